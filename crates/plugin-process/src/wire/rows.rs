//! Tables: rows with numbered fields.

use meterbox_plugin_abi::{Field, Rows, Table};

use super::{Malformed, PayloadReader, PayloadWriter};

const TEXT: u8 = 1;
const NUMBER: u8 = 2;

/// Rows as they came over a lane.
#[derive(Clone, Debug, Default)]
pub struct DecodedRows {
    /// End of each row in `fields`.
    ends: Vec<usize>,
    fields: Vec<(Field, Value)>,
}

#[derive(Clone, Debug)]
enum Value {
    Text(Box<str>),
    Number(f64),
}

impl DecodedRows {
    /// Reads a `table`.
    ///
    /// # Errors
    /// A type of value that is not known, or a payload that ends too early.
    pub fn take(fields: &mut PayloadReader<'_>) -> Result<Self, Malformed> {
        let rows = fields.count(4)?;
        let mut decoded = Self::default();
        decoded.ends.reserve(rows);
        for _ in 0..rows {
            for _ in 0..fields.count(9)? {
                let field = Field(fields.u32()?);
                let value = match fields.u8()? {
                    TEXT => Value::Text(fields.text()?.into()),
                    NUMBER => Value::Number(fields.f64()?),
                    other => return Err(Malformed::new(format!("a value of type {other}"))),
                };
                decoded.fields.push((field, value));
            }
            decoded.ends.push(decoded.fields.len());
        }
        Ok(decoded)
    }

    /// Writes `table` as a `table`. Only fields below `fields_end` are looked for: a table does not say
    /// which fields its rows have.
    pub fn put(table: &Table, fields_end: u32, into: &mut PayloadWriter) {
        let rows = table.len();
        into.count(rows);
        for row in 0..rows {
            let mut cells = PayloadWriter::new();
            let mut count = 0;
            for field in (0..fields_end).map(Field) {
                if let Some(text) = table.text(row, field) {
                    cells.u32(field.0).u8(TEXT).text(text);
                    count += 1;
                } else if let Some(number) = table.number(row, field) {
                    cells.u32(field.0).u8(NUMBER).f64(number);
                    count += 1;
                }
            }
            into.count(count).raw(cells.as_bytes());
        }
    }

    fn row(&self, row: usize) -> &[(Field, Value)] {
        let start = row.checked_sub(1).and_then(|before| self.ends.get(before));
        let end = self.ends.get(row).copied().unwrap_or(0);
        self.fields
            .get(start.copied().unwrap_or(0)..end)
            .unwrap_or(&[])
    }

    fn value(&self, row: usize, field: Field) -> Option<&Value> {
        let found = self.row(row).iter().find(|(name, _)| *name == field);
        found.map(|(_, value)| value)
    }
}

impl Rows for DecodedRows {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn text(&self, row: usize, field: Field) -> Option<&str> {
        match self.value(row, field)? {
            Value::Text(text) => Some(text),
            Value::Number(_) => None,
        }
    }

    fn number(&self, row: usize, field: Field) -> Option<f64> {
        match self.value(row, field)? {
            Value::Number(number) => Some(*number),
            Value::Text(_) => None,
        }
    }
}
