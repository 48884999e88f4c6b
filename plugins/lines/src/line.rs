//! One line of InfluxDB's line protocol.

use meterbox_plugin::Series;

/// Appends `name,label=value field=1 time\n`; false if the series has no value that a line can hold.
pub(crate) fn write(lines: &mut String, name: &str, series: &Series<'_>, time_ns: u128) -> bool {
    let fields = match (series.value(), series.count(), series.sum()) {
        (Some(value), ..) if value.is_finite() => format!("value={value}"),
        (None, Some(count), Some(sum)) if sum.is_finite() => format!("count={count}i,sum={sum}"),
        _ => return false,
    };
    escape(lines, name, &[',', ' ']);
    for (label, value) in series.labels().filter(|(_, value)| !value.is_empty()) {
        lines.push(',');
        escape(lines, label, &[',', '=', ' ']);
        lines.push('=');
        escape(lines, &value, &[',', '=', ' ']);
    }
    *lines += &format!(" {fields} {time_ns}\n");
    true
}

/// A line break would end the line, and a backslash at the end would join what follows.
fn escape(lines: &mut String, text: &str, special: &[char]) {
    for letter in text.chars() {
        match letter {
            '\n' | '\r' => lines.push_str("\\ "),
            '\\' => lines.push('/'),
            letter => {
                if special.contains(&letter) {
                    lines.push('\\');
                }
                lines.push(letter);
            }
        }
    }
}
