//! Reads columns into checked types, so that a row that was tampered with is an error and never a uid 0.

use bursar_policy::{AccountName, Gid, Timestamp, Uid, UserName};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::Error;

/// One row of a named table.
pub(super) struct Reading<'r> {
    table: &'static str,
    row: &'r SqliteRow,
}

impl<'r> Reading<'r> {
    pub(super) fn new(table: &'static str, row: &'r SqliteRow) -> Self {
        Self { table, row }
    }

    fn bad(&self, field: &'static str, value: impl ToString, why: impl ToString) -> Error {
        Error::BadRow { table: self.table, field, value: value.to_string(), why: why.to_string() }
    }

    pub(super) fn int(&self, field: &'static str) -> Result<i64, Error> {
        self.row.try_get(field).map_err(Error::query("read a number"))
    }

    pub(super) fn maybe_int(&self, field: &'static str) -> Result<Option<i64>, Error> {
        self.row.try_get(field).map_err(Error::query("read a number"))
    }

    pub(super) fn unsigned(&self, field: &'static str) -> Result<u64, Error> {
        let value = self.int(field)?;
        u64::try_from(value).map_err(|_| self.bad(field, value, "is negative"))
    }

    pub(super) fn maybe_unsigned(&self, field: &'static str) -> Result<Option<u64>, Error> {
        self.maybe_int(field)?
            .map(|value| u64::try_from(value).map_err(|_| self.bad(field, value, "is negative")))
            .transpose()
    }

    pub(super) fn u32(&self, field: &'static str) -> Result<u32, Error> {
        let value = self.int(field)?;
        u32::try_from(value).map_err(|_| self.bad(field, value, "is not a number of 32 bits"))
    }

    pub(super) fn text(&self, field: &'static str) -> Result<String, Error> {
        self.row.try_get(field).map_err(Error::query("read a text"))
    }

    pub(super) fn maybe_text(&self, field: &'static str) -> Result<Option<String>, Error> {
        self.row.try_get(field).map_err(Error::query("read a text"))
    }

    pub(super) fn at(&self, field: &'static str) -> Result<Timestamp, Error> {
        self.int(field).map(Timestamp)
    }

    pub(super) fn maybe_at(&self, field: &'static str) -> Result<Option<Timestamp>, Error> {
        Ok(self.maybe_int(field)?.map(Timestamp))
    }

    pub(super) fn word<T>(&self, field: &'static str, parse: fn(&str) -> Option<T>) -> Result<T, Error> {
        let text = self.text(field)?;
        parse(&text).ok_or_else(|| self.bad(field, &text, "is not a known word"))
    }

    pub(super) fn maybe_word<T>(&self, field: &'static str, parse: fn(&str) -> Option<T>) -> Result<Option<T>, Error> {
        let text = self.maybe_text(field)?;
        text.map(|text| parse(&text).ok_or_else(|| self.bad(field, &text, "is not a known word"))).transpose()
    }

    pub(super) fn user_name(&self, field: &'static str) -> Result<UserName, Error> {
        let text = self.text(field)?;
        UserName::new(&text).map_err(|why| self.bad(field, &text, why))
    }

    pub(super) fn account_name(&self, field: &'static str) -> Result<AccountName, Error> {
        let text = self.text(field)?;
        AccountName::new(&text).map_err(|why| self.bad(field, &text, why))
    }

    pub(super) fn maybe_account_name(&self, field: &'static str) -> Result<Option<AccountName>, Error> {
        self.maybe_text(field)?
            .map(|text| AccountName::new(&text).map_err(|why| self.bad(field, &text, why)))
            .transpose()
    }

    pub(super) fn uid(&self, field: &'static str) -> Result<Uid, Error> {
        let value = self.u32(field)?;
        Uid::new(value).map_err(|why| self.bad(field, value, why))
    }

    pub(super) fn maybe_gid(&self, field: &'static str) -> Result<Option<Gid>, Error> {
        match self.maybe_int(field)? {
            None => Ok(None),
            Some(_) => {
                let value = self.u32(field)?;
                Gid::new(value).map(Some).map_err(|why| self.bad(field, value, why))
            }
        }
    }
}
