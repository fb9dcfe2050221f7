//! Throwaway hosts.
