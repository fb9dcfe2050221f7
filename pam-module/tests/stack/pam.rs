//! One PAM transaction against the built module, through the real libpam and a private stack directory.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;

const RHOST_AND_TTY: [c_int; 2] = [4, 3];

#[repr(C)]
struct Message {
    style: c_int,
    text: *const c_char,
}

#[repr(C)]
struct Response {
    text: *mut c_char,
    code: c_int,
}

type Converse = unsafe extern "C" fn(c_int, *const *const Message, *mut *mut Response, *mut c_void) -> c_int;

#[repr(C)]
struct Conversation {
    converse: Option<Converse>,
    data: *mut c_void,
}

#[link(name = "pam")]
unsafe extern "C" {
    fn pam_start_confdir(
        service: *const c_char,
        user: *const c_char,
        conversation: *const Conversation,
        directory: *const c_char,
        handle: *mut *mut c_void,
    ) -> c_int;
    fn pam_set_item(handle: *mut c_void, item: c_int, value: *const c_void) -> c_int;
    fn pam_putenv(handle: *mut c_void, name_value: *const c_char) -> c_int;
    fn pam_acct_mgmt(handle: *mut c_void, flags: c_int) -> c_int;
    fn pam_open_session(handle: *mut c_void, flags: c_int) -> c_int;
    fn pam_close_session(handle: *mut c_void, flags: c_int) -> c_int;
    fn pam_end(handle: *mut c_void, status: c_int) -> c_int;
    fn calloc(count: usize, size: usize) -> *mut c_void;
}

/// Collects what modules say and answers nothing.
unsafe extern "C" fn collect(
    count: c_int,
    messages: *const *const Message,
    responses: *mut *mut Response,
    data: *mut c_void,
) -> c_int {
    // SAFETY: `data` is the `Said` that `Transaction::start` passed, which outlives the transaction.
    let Said(said) = unsafe { &mut *data.cast::<Said>() };
    for at in 0..usize::try_from(count).unwrap() {
        // SAFETY: libpam passes an array of `count` pointers.
        let message = unsafe { messages.add(at) };
        // SAFETY: so this is one of them.
        let message = unsafe { *message };
        // SAFETY: each points to a message.
        let message = unsafe { &*message };
        // SAFETY: each with a NUL-terminated text.
        let text = unsafe { CStr::from_ptr(message.text) };
        said.push((message.style, text.to_str().unwrap().to_owned()));
    }
    // SAFETY: libpam frees the array with free(), and each text in it if there is one.
    let empty = unsafe { calloc(usize::try_from(count).unwrap(), size_of::<Response>()) };
    // SAFETY: libpam's place for the array.
    unsafe { *responses = empty.cast() };
    0
}

/// What modules said; boxed, because libpam keeps a pointer to it.
#[derive(Default)]
struct Said(Vec<(c_int, String)>);

/// A transaction; ends with its value.
pub(crate) struct Transaction {
    handle: *mut c_void,
    said: Box<Said>,
}

impl Transaction {
    /// Starts one for `user` with the stack `service` in `directory`; `listens` is whether there is a conversation.
    pub(crate) fn start(directory: &Path, service: &str, user: &[u8], listens: bool) -> Self {
        let mut said = Box::<Said>::default();
        let conversation =
            Conversation { converse: listens.then_some(collect as Converse), data: (&raw mut *said).cast() };
        let directory = CString::new(directory.to_str().unwrap()).unwrap();
        let (service, user) = (CString::new(service).unwrap(), CString::new(user).unwrap());
        let mut handle = std::ptr::null_mut();
        // SAFETY: NUL-terminated strings, which libpam copies, as it does the conversation.
        let code = unsafe {
            pam_start_confdir(service.as_ptr(), user.as_ptr(), &conversation, directory.as_ptr(), &raw mut handle)
        };
        assert_eq!(code, 0, "pam_start_confdir");
        let transaction = Self { handle, said };
        // An address: libpam's own audit would look up a name in the DNS.
        for (item, value) in RHOST_AND_TTY.into_iter().zip([c"192.0.2.7", c"ssh"]) {
            // SAFETY: a live handle and a NUL-terminated string, which libpam copies.
            let code = unsafe { pam_set_item(transaction.handle, item, value.as_ptr().cast()) };
            assert_eq!(code, 0, "pam_set_item");
        }
        transaction
    }

    /// Sets a variable of the PAM environment.
    pub(crate) fn put(&mut self, name: &str, value: &str) {
        let text = CString::new(format!("{name}={value}")).unwrap();
        // SAFETY: a live handle and a NUL-terminated string, which libpam copies.
        assert_eq!(unsafe { pam_putenv(self.handle, text.as_ptr()) }, 0);
    }

    /// The account phase.
    pub(crate) fn account(&mut self, flags: c_int) -> c_int {
        // SAFETY: a live handle.
        unsafe { pam_acct_mgmt(self.handle, flags) }
    }

    /// The beginning of a session.
    pub(crate) fn open(&mut self) -> c_int {
        // SAFETY: a live handle.
        unsafe { pam_open_session(self.handle, 0) }
    }

    /// The end of a session.
    pub(crate) fn close(&mut self) -> c_int {
        // SAFETY: a live handle.
        unsafe { pam_close_session(self.handle, 0x8000) }
    }

    /// What was said since the last call: (style, line).
    pub(crate) fn said(&mut self) -> Vec<(c_int, String)> {
        std::mem::take(&mut self.said.0)
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        // SAFETY: the handle is live and not used again.
        unsafe { pam_end(self.handle, 0) };
    }
}
