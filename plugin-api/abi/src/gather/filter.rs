//! Which samples a reader wants.

/// A reader's choice of sample names (the `name[]` parameter of a scrape).
///
/// A source uses it to leave out whole families, which is what makes a filtered scrape cheap; the
/// reader then drops the samples of a family that were not named.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    /// Sample names, compared exactly; empty means everything.
    pub names: &'a [&'a str],
}

/// What a sample's name may have after the name of its family.
const SUFFIXES: [&str; 5] = ["_total", "_bucket", "_count", "_sum", "_created"];

impl Filter<'_> {
    /// Everything.
    pub const ALL: Filter<'static> = Filter { names: &[] };

    /// True when nothing is filtered out.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.names.is_empty()
    }

    /// True when samples of this family may be wanted: its name, or its name with one of the
    /// suffixes of samples, is listed. A family `x_total` may have a sample `x_created`.
    #[must_use]
    pub fn wants_family(&self, family: &str) -> bool {
        let base = family.strip_suffix("_total").unwrap_or(family);
        self.is_all()
            || self.names.iter().any(|name| {
                let suffix = name.strip_prefix(family);
                suffix.is_some_and(|rest| rest.is_empty() || SUFFIXES.contains(&rest))
                    || name.strip_prefix(base) == Some("_created")
            })
    }

    /// True when samples of any of these families may be wanted; one that ends in `*` stands for all
    /// whose names begin so.
    #[must_use]
    pub fn wants_any<S: AsRef<str>>(&self, families: &[S]) -> bool {
        self.is_all()
            || families
                .iter()
                .any(|family| match family.as_ref().strip_suffix('*') {
                    Some(begin) => self.names.iter().any(|name| name.starts_with(begin)),
                    None => self.wants_family(family.as_ref()),
                })
    }

    /// True when the sample named `base` + `suffix` is wanted.
    #[must_use]
    pub fn wants_sample(&self, base: &str, suffix: &str) -> bool {
        self.is_all()
            || self
                .names
                .iter()
                .any(|name| name.strip_prefix(base) == Some(suffix))
    }
}
