//! The end of every log line: filter, format, write.

use super::PLUGIN_TARGET;
use super::levels::{Levels, dotted, level_of};
use super::line::{EventOrigin, EventText, push};
use arc_swap::ArcSwap;
use meterbox_config::LogFormat;
use std::borrow::Cow;
use std::io::Write;
use std::sync::Arc;
use std::time::SystemTime;
use tracing::level_filters::LevelFilter;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer};

/// A layer that prints what the levels allow.
#[derive(Debug)]
pub(super) struct LogLayer<W> {
    levels: Arc<ArcSwap<Levels>>,
    format: LogFormat,
    writer: W,
}

impl<W> LogLayer<W> {
    pub(super) fn new(levels: Arc<ArcSwap<Levels>>, format: LogFormat, writer: W) -> Self {
        Self {
            levels,
            format,
            writer,
        }
    }
}

impl<S, W> Layer<S> for LogLayer<W>
where
    S: Subscriber,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let target = dotted(metadata.target());
        let levels = self.levels.load();
        let level = if target == PLUGIN_TARGET {
            // Which plugin speaks is known only from the event.
            levels.most_verbose_within(&target)
        } else {
            levels.of_target(&target)
        };
        level >= level_of(*metadata.level())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.levels.load().most_verbose())
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let content = EventText::by(event);
        let target = match &content.plugin {
            Some(plugin) => Cow::Owned(format!("{PLUGIN_TARGET}.{plugin}")),
            None => dotted(metadata.target()),
        };
        let level = *metadata.level();
        if self.levels.load().of_target(&target) < level_of(level) {
            return;
        }
        let origin = EventOrigin {
            time: SystemTime::now(),
            level,
            target: &target,
        };
        let mut line = String::new();
        push(self.format, origin, &content, &mut line);
        // One write per line keeps lines of several threads apart. A log that cannot be written has
        // nowhere to say so.
        drop(
            self.writer
                .make_writer_for(metadata)
                .write_all(line.as_bytes()),
        );
    }
}
