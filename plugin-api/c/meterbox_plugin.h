/*
 * meterbox_plugin.h: the border between Meterbox and plugins written in C, C++ or anything that can
 * export a C symbol. C99 and C++11; nothing else is included but <stddef.h>, <stdint.h> and <string.h>.
 *
 * A plugin is one shared library (`cc -shared -fPIC -o hello.so hello.c`, no rpath) with
 *   - METERBOX_PLUGIN_METADATA(...) once, which the host reads before it runs any code of the file, and
 *   - meterbox_plugin_get_v1(), which returns the table of the plugin's functions.
 * example/hello.c is a whole one.
 *
 * The rules, which hold for everything below:
 *
 *   Growth     A table starts with its own size. A field of it exists if and only if
 *              offsetof(field) + sizeof(field) <= struct_size: ask METERBOX_HAS(). New fields come at the
 *              end only, with a new minor version; nothing that is here ever changes. Types without
 *              struct_size (meterbox_text, meterbox_f64s, meterbox_error and their like) stay as they are for ever.
 *   Memory     Each side frees what it made. Handles of the host are given back through the host's
 *              function that is named at each; texts are borrowed for the call unless it says longer.
 *   Threads    Every function of the plugin's table may be called from any thread of a small pool, several
 *              at once. The host's functions may be called from any thread at any time between create and
 *              the end of destroy, one handle of a reply by one thread at a time.
 *   Failures   A function that can fail returns a meterbox_status and writes one sentence into the
 *              caller's meterbox_error. Nothing unwinds over the border: the host catches its own panics,
 *              and a C++ exception must be caught before the plugin's function returns.
 *   Texts      UTF-8 with a length, not ended by NUL unless it says so.
 *
 * All numbers here are those of the Rust border (the crate meterbox-plugin-abi): one host, one meaning.
 */
#ifndef METERBOX_PLUGIN_H
#define METERBOX_PLUGIN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header. A host of 1.N takes plugins of 1.0 to 1.N. */
#define METERBOX_C_MAJOR 1
#define METERBOX_C_MINOR 0
#define METERBOX_C_API "c-1.0"

/* Whether a table that came over the border has this field. */
#define METERBOX_HAS(table, field) \
  ((size_t)((const char *)&(table)->field - (const char *)(table)) + sizeof((table)->field) \
   <= (table)->struct_size)

/* ------------------------------------------------------------------------------------------------- */
/* Values                                                                                            */

/* A text. `data` may be NULL when `len` is 0. */
typedef struct meterbox_text { const char *data; size_t len; } meterbox_text;

/* Bytes. `data` may be NULL when `len` is 0. */
typedef struct meterbox_bytes { const void *data; size_t len; } meterbox_bytes;

/*
 * Room for the sentence of a failure, given by the caller: `room` bytes at `text`, ended by NUL when it
 * is written, cut when it is too long. Wherever a meterbox_error is passed to the host, NULL is fine.
 */
typedef struct meterbox_error { char *text; size_t room; } meterbox_error;

static inline meterbox_text meterbox_text_of(const char *text) {
  meterbox_text made;
  made.data = text;
  made.len = strlen(text);
  return made;
}

static inline meterbox_bytes meterbox_bytes_of(const void *data, size_t len) {
  meterbox_bytes made;
  made.data = data;
  made.len = len;
  return made;
}

/* How a call ended. A number that is not here counts as METERBOX_INTERNAL. */
typedef uint32_t meterbox_status;
#define METERBOX_OK ((meterbox_status)0)
#define METERBOX_INTERNAL ((meterbox_status)1)     /* failed in a way that has no better name; HTTP 500 */
#define METERBOX_INVALID ((meterbox_status)2)      /* the input is wrong; 400 */
#define METERBOX_NOT_FOUND ((meterbox_status)3)    /* 404 */
#define METERBOX_CONFLICT ((meterbox_status)4)     /* it clashes with something that exists; 409 */
#define METERBOX_DENIED ((meterbox_status)5)       /* a permission is missing; 403 */
#define METERBOX_LIMIT ((meterbox_status)6)        /* a bound was reached; 429 */
#define METERBOX_TOO_LARGE ((meterbox_status)7)    /* one item is too large; 413 */
#define METERBOX_CLOSED ((meterbox_status)8)       /* nobody wants it any more */
#define METERBOX_TIMEOUT ((meterbox_status)9)      /* the deadline passed; 504 */
#define METERBOX_UNAVAILABLE ((meterbox_status)10) /* not now; 503 */
#define METERBOX_UNSUPPORTED ((meterbox_status)11) /* not at all; 501 */
#define METERBOX_PANICKED ((meterbox_status)12)    /* the host's code panicked; 500 */
/* Only from `call`: the reply is kept and will be ended later, from any thread. */
#define METERBOX_LATER ((meterbox_status)0xffffffffu)

/* Writes `sentence` (lower case: what, where, what to do) into `error` and gives back `status`. */
static inline meterbox_status meterbox_fail(meterbox_error *error, meterbox_status status,
                                            const char *sentence) {
  if (error != NULL && error->room > 0) {
    size_t len = strlen(sentence);
    if (len >= error->room) len = error->room - 1;
    memcpy(error->text, sentence, len);
    error->text[len] = '\0';
  }
  return status;
}

/* Levels of a log line; smaller is louder. */
#define METERBOX_ERROR 1u
#define METERBOX_WARN 2u
#define METERBOX_INFO 3u
#define METERBOX_DEBUG 4u
#define METERBOX_TRACE 5u

/* Listeners that a route can be on. */
#define METERBOX_INFERENCE 1u
#define METERBOX_MANAGEMENT 2u
#define METERBOX_METRICS 3u

/* A set of HTTP methods. */
#define METERBOX_GET 1u
#define METERBOX_HEAD 2u
#define METERBOX_POST 4u
#define METERBOX_PUT 8u
#define METERBOX_DELETE 16u
#define METERBOX_PATCH 32u
#define METERBOX_OPTIONS 64u
#define METERBOX_ANY_METHOD 0xffffffffu

/* Clocks, in nanoseconds: since 1970-01-01 UTC; since an arbitrary start, never going back. */
#define METERBOX_UNIX_CLOCK 0u
#define METERBOX_MONOTONIC_CLOCK 1u

/* Facts about the host, for `info`. */
#define METERBOX_PID 1u         /* its process id, decimal */
#define METERBOX_HOSTNAME 2u    /* the machine's name */
#define METERBOX_UUID 3u        /* the random id of this run of the host */
#define METERBOX_VERSION 4u     /* the host's version */
#define METERBOX_PLUGIN 5u      /* the name under which it runs this plugin */
#define METERBOX_METRIC_SETS 6u /* the chosen name sets in their order, separated by commas */

/* Kinds of metric. A kind that is not here counts as METERBOX_UNKNOWN. */
#define METERBOX_UNKNOWN 0u
#define METERBOX_COUNTER 1u
#define METERBOX_GAUGE 2u
#define METERBOX_HISTOGRAM 3u
#define METERBOX_SUMMARY 4u
#define METERBOX_INFO_KIND 5u

/* Flags of a family. */
#define METERBOX_SHOW_EMPTY 1u     /* HELP and TYPE are printed although it has no series */
#define METERBOX_INHERITED_NAME 2u /* no format may alter its name */
#define METERBOX_FRACTIONS 4u      /* a counter that takes fractions */

/* Kinds of event, one bit each, for `subscribe`; the value of METERBOX_EVENT_KIND in an event. */
#define METERBOX_REQUEST_DONE ((uint64_t)1)
#define METERBOX_MODEL_REGISTERED ((uint64_t)2)
#define METERBOX_MODEL_LOADED ((uint64_t)4)
#define METERBOX_MODEL_UNLOADED ((uint64_t)8)
#define METERBOX_WORKER_STARTED ((uint64_t)16)
#define METERBOX_WORKER_DIED ((uint64_t)32)
#define METERBOX_SAMPLE ((uint64_t)64)

/* Fields of an event; t a text, n a number. An event has those that make sense for its kind. */
#define METERBOX_EVENT_KIND 1u           /* n */
#define METERBOX_EVENT_UNIX_SECONDS 2u   /* n */
#define METERBOX_EVENT_MODEL 3u          /* t */
#define METERBOX_EVENT_MODEL_VERSION 4u  /* t */
#define METERBOX_EVENT_WORKER 5u         /* t */
#define METERBOX_EVENT_METHOD 6u         /* t */
#define METERBOX_EVENT_PATH 7u           /* t, without the query */
#define METERBOX_EVENT_REASON 8u         /* t, why a worker died or a model failed */
#define METERBOX_EVENT_METRIC 9u         /* t, family of a sample */
#define METERBOX_EVENT_LABELS 10u        /* t, `a="b",c="d"`, escaped */
#define METERBOX_EVENT_STATUS 11u        /* n, HTTP */
#define METERBOX_EVENT_SECONDS 12u       /* n, whole time of a request */
#define METERBOX_EVENT_QUEUE_SECONDS 13u /* n */
#define METERBOX_EVENT_BYTES_IN 14u      /* n */
#define METERBOX_EVENT_BYTES_OUT 15u     /* n */
#define METERBOX_EVENT_VALUE 16u         /* n, of a sample */

/* Fields of a model's row in the table that `models` gives. */
#define METERBOX_MODEL_NAME 1u          /* t */
#define METERBOX_MODEL_VERSION 2u       /* t */
#define METERBOX_MODEL_IS_DEFAULT 3u    /* n, 1 or 0 */
#define METERBOX_MODEL_WORKERS_READY 4u /* n */
#define METERBOX_MODEL_WORKERS_MIN 5u   /* n */
#define METERBOX_MODEL_WORKERS_MAX 6u   /* n */
#define METERBOX_MODEL_QUEUE_LEN 7u     /* n */

/* What becomes of one push, as an exporter judges the answer to it. */
#define METERBOX_BY_STATUS 0u /* 2xx done; 408, 429 and 5xx retry; everything else drop */
#define METERBOX_DONE 1u
#define METERBOX_RETRY 2u
#define METERBOX_DROP 3u  /* the text in `reason` says why */
#define METERBOX_SPLIT 4u /* too large: again in smaller pieces */

/* No limit, for times in nanoseconds. */
#define METERBOX_NO_LIMIT UINT64_MAX

/* ------------------------------------------------------------------------------------------------- */
/* Handles of the host: only ever pointers                                                           */

typedef struct meterbox_host meterbox_host;         /* the host as this plugin may use it */
typedef struct meterbox_family meterbox_family;     /* a family that the plugin registered */
typedef struct meterbox_series meterbox_series;     /* one series of it, to be changed */
typedef struct meterbox_request meterbox_request;   /* one HTTP request */
typedef struct meterbox_reply meterbox_reply;       /* the answer to it */
typedef struct meterbox_routes meterbox_routes;     /* takes routes */
typedef struct meterbox_families meterbox_families; /* takes what a collector shows */
typedef struct meterbox_gathered meterbox_gathered; /* what an exporter is to push */
typedef struct meterbox_pushes meterbox_pushes;     /* takes pushes */
typedef struct meterbox_table meterbox_table;       /* events or models, in rows with numbered fields */

/* ------------------------------------------------------------------------------------------------- */
/* Tables of data                                                                                    */

/* A route: requests on `listener` whose path matches `pattern` go to `call` with `id`. `drift` is /drift
 * and everything below, `v1/metrics` likewise, `metrics/job/{rest}` only what is below /metrics/job. Of
 * several patterns that match a path the longest counts. */
typedef struct meterbox_route_v1 {
  size_t struct_size;
  uint32_t id;
  uint32_t listener;
  uint32_t methods;
  uint32_t reserved; /* 0 */
  meterbox_text pattern; /* segments with / between them, maybe /{rest} at the end */
} meterbox_route_v1;

/* What all series of one name share. */
typedef struct meterbox_family_v1 {
  size_t struct_size;
  uint32_t kind;
  uint32_t flags;
  meterbox_text name; /* of a counter with the ending `_total` */
  meterbox_text help; /* one sentence */
  meterbox_text unit; /* as in OpenMetrics (`seconds`, `bytes`), or empty */
  meterbox_text set;  /* name set that it belongs to; empty: the default one */
  const meterbox_text *labels; /* names; NULL where gathered metrics are shown */
  size_t labels_len;
  const double *bounds; /* upper bounds of a histogram's buckets, ascending, without +Inf */
  size_t bounds_len;
} meterbox_family_v1;

/* Columns: `len` numbers at `data`. `data` may be NULL when `len` is 0. */
typedef struct meterbox_u32s { const uint32_t *data; size_t len; } meterbox_u32s;
typedef struct meterbox_u64s { const uint64_t *data; size_t len; } meterbox_u64s;
typedef struct meterbox_f64s { const double *data; size_t len; } meterbox_f64s;

/*
 * Up to 256 series of a family as columns; label_ends.len is how many they are. A column that does not
 * belong to the family's kind is empty, every other has an item for each series. Made by the host; valid
 * during the visitor's call.
 */
typedef struct meterbox_segment_v1 {
  size_t struct_size;
  uint64_t structure;            /* changes with the set of series; 0: not known */
  meterbox_text label_text;      /* `a="b",c="d"` of all series back to back, escaped as in text 0.0.4 */
  meterbox_u32s label_ends;      /* end of each series' part in it */
  meterbox_f64s values;          /* of counter, gauge, unknown, info */
  meterbox_u64s bucket_counts;   /* of histogram: row by row, bounds + 1 each, not cumulative */
  meterbox_u64s counts;          /* of histogram and summary */
  meterbox_f64s sums;            /* of histogram and summary */
  meterbox_f64s created_seconds; /* Unix seconds, or empty when not known */
  /* Exemplars, one for each series or none at all: labels as in label_text, where they end, the
     observation (NaN: this series has none), and when it was in Unix seconds (0: not known). */
  meterbox_text exemplar_text;
  meterbox_u32s exemplar_ends;
  meterbox_f64s exemplar_values;
  meterbox_f64s exemplar_seconds;
} meterbox_segment_v1;

/* A reader of gathered metrics: each family once, then its segments. Anything but 0 ends the gather. */
typedef struct meterbox_visitor_v1 {
  size_t struct_size;
  int (*family)(void *data, const meterbox_family_v1 *family);
  int (*segment)(void *data, const meterbox_segment_v1 *segment);
} meterbox_visitor_v1;

/* A header of a push. */
typedef struct meterbox_pair { meterbox_text name; meterbox_text value; } meterbox_pair;

/* An HTTP request that the host is to deliver; it owns sending, retrying and giving up. */
typedef struct meterbox_push_v1 {
  size_t struct_size;
  meterbox_text method;
  meterbox_text url; /* absolute */
  const meterbox_pair *headers;
  size_t headers_len;
  meterbox_bytes body;
} meterbox_push_v1;

/* ------------------------------------------------------------------------------------------------- */
/* What the host offers                                                                              */

typedef struct meterbox_functions_v1 {
  size_t struct_size;

  /* Log, time, facts. A log line appears under the plugin's name. */
  void (*log)(meterbox_host *, uint32_t level, meterbox_text message);
  int (*log_enabled)(meterbox_host *, uint32_t level); /* 0: such a line would be dropped */
  uint64_t (*clock)(meterbox_host *, uint32_t clock);
  /* Copies a fact into `buffer` as far as there is room, ended by NUL; gives its whole length, 0 when
     the host does not know it. */
  size_t (*info)(meterbox_host *, uint32_t fact, char *buffer, size_t room);

  /* From now on on_timer(id) every `period_ns`; starting a running timer changes its period. */
  meterbox_status (*start_timer)(meterbox_host *, uint64_t id, uint64_t period_ns, meterbox_error *);
  meterbox_status (*stop_timer)(meterbox_host *, uint64_t id, meterbox_error *);
  /* From now on on_events gets these kinds and no others. Permission `events.<kind>`. */
  meterbox_status (*subscribe)(meterbox_host *, uint64_t kinds, meterbox_error *);
  /* The registered models, a row per version; give the table back by table_release. */
  meterbox_status (*models)(meterbox_host *, meterbox_table **table, meterbox_error *);
  /* Shows all metrics of the host to `visitor`, on this thread. With names only the families that have a
     sample of such a name. Permission `metrics.read`. */
  meterbox_status (*gather)(meterbox_host *, const meterbox_text *names, size_t names_len,
                            const meterbox_visitor_v1 *visitor, void *data, meterbox_error *);

  /* Metrics of the host's registry. The same description again gives the same family; give every handle
     back when it is not needed any more, which removes no series. */
  meterbox_status (*family_register)(meterbox_host *, const meterbox_family_v1 *, meterbox_family **,
                                     meterbox_error *);
  /* The series with these label values, in the order of the family's labels. */
  meterbox_status (*family_series)(meterbox_family *, const meterbox_text *values, size_t values_len,
                                   meterbox_series **, meterbox_error *);
  meterbox_status (*family_remove)(meterbox_family *, const meterbox_text *values, size_t values_len,
                                   meterbox_error *);
  void (*family_release)(meterbox_family *);
  void (*series_add_whole)(meterbox_series *, uint64_t amount); /* counter or gauge */
  void (*series_add)(meterbox_series *, double amount); /* counter with METERBOX_FRACTIONS, or gauge */
  void (*series_set)(meterbox_series *, double value);  /* gauge; or total of a counter counted elsewhere */
  void (*series_observe)(meterbox_series *, double value); /* histogram or summary */
  /* Observations counted elsewhere: one count for each bucket of a histogram, not cumulative, the last
     above the highest bound, or the one count of a summary; and their sum. */
  void (*series_merge)(meterbox_series *, const uint64_t *buckets, size_t buckets_len, double sum);
  void (*series_release)(meterbox_series *);

  /* A request; its texts are valid as long as the handle: during `call`, or until request_release of a
     handle that request_retain gave. */
  meterbox_text (*request_method)(const meterbox_request *);
  meterbox_text (*request_path)(const meterbox_request *);  /* as it came, without the query */
  meterbox_text (*request_rest)(const meterbox_request *);  /* what follows the pattern, with its `/` */
  meterbox_text (*request_query)(const meterbox_request *); /* as it came, after `?` */
  meterbox_text (*request_peer)(const meterbox_request *);  /* the client, for logs */
  /* The first header of this name, in any case; 0 when there is none. */
  int (*request_header)(const meterbox_request *, meterbox_text name, meterbox_bytes *value);
  /* Header number `index`, its name in lower case; 0 past the last one. */
  int (*request_header_at)(const meterbox_request *, size_t index, meterbox_text *name,
                           meterbox_bytes *value);
  /* The next bytes of the body, waiting for them; `*read` is 0 at its end. */
  meterbox_status (*request_read_body)(const meterbox_request *, void *buffer, size_t room, size_t *read,
                                       meterbox_error *);
  uint64_t (*request_time_left_ns)(const meterbox_request *); /* or METERBOX_NO_LIMIT */
  meterbox_request *(*request_retain)(const meterbox_request *);
  void (*request_release)(meterbox_request *);

  /* A reply. Status (200 unless set) and headers come before the first write. finish, fail and drop end
     it, whatever they return: the handle is gone then. See `call` for who has to end it. */
  meterbox_status (*reply_status)(meterbox_reply *, uint32_t status, meterbox_error *);
  meterbox_status (*reply_header)(meterbox_reply *, meterbox_text name, meterbox_bytes value,
                                  meterbox_error *);
  /* Waits while the client is slow; METERBOX_CLOSED when nobody wants the answer any more. */
  meterbox_status (*reply_write)(meterbox_reply *, meterbox_bytes, meterbox_error *);
  /* The last bytes; when they are the only ones the length is announced. */
  meterbox_status (*reply_finish)(meterbox_reply *, meterbox_bytes, meterbox_error *);
  /* An error body in the host's form, status 400 to 599. */
  meterbox_status (*reply_fail)(meterbox_reply *, uint32_t status, meterbox_text sentence,
                                meterbox_error *);
  int (*reply_is_closed)(const meterbox_reply *);
  void (*reply_drop)(meterbox_reply *); /* the client gets a 500 */

  /* In `routes`. */
  void (*routes_add)(meterbox_routes *, const meterbox_route_v1 *);

  /* In `collect`: whether anything of a family is wanted; then a family, then its samples with label
     values in the order of its labels. METERBOX_CLOSED: the reader has enough, return METERBOX_OK. */
  int (*families_wants)(const meterbox_families *, meterbox_text name);
  meterbox_status (*families_begin)(meterbox_families *, const meterbox_family_v1 *, meterbox_error *);
  /* Of a counter, gauge, info or unknown. */
  meterbox_status (*families_value)(meterbox_families *, const meterbox_text *values, size_t values_len,
                                    double value, meterbox_error *);
  /* Of a summary. */
  meterbox_status (*families_total)(meterbox_families *, const meterbox_text *values, size_t values_len,
                                    uint64_t count, double sum, meterbox_error *);
  /* Of a histogram: observations per bucket, not cumulative, bounds_len + 1 of them. */
  meterbox_status (*families_buckets)(meterbox_families *, const meterbox_text *values, size_t values_len,
                                      const uint64_t *buckets, size_t buckets_len, double sum,
                                      meterbox_error *);

  /* In `push_metrics`: as `gather`, and a push for delivery. */
  meterbox_status (*gathered_show)(const meterbox_gathered *, const meterbox_text *names,
                                   size_t names_len, const meterbox_visitor_v1 *visitor, void *data,
                                   meterbox_error *);
  meterbox_status (*pushes_add)(meterbox_pushes *, const meterbox_push_v1 *, meterbox_error *);

  /* A table: 0 for a field that a row does not have. */
  size_t (*table_len)(const meterbox_table *);
  int (*table_text)(const meterbox_table *, size_t row, uint32_t field, meterbox_text *text);
  int (*table_number)(const meterbox_table *, size_t row, uint32_t field, double *number);
  meterbox_table *(*table_retain)(const meterbox_table *); /* one more holder, to be released */
  void (*table_release)(meterbox_table *);
} meterbox_functions_v1;

/* ------------------------------------------------------------------------------------------------- */
/* What a plugin offers                                                                              */

/*
 * Static in the library. Everything after `destroy` may be NULL or missing. What the plugin is called
 * for follows from what it has: `collect` makes it a collector, `push_metrics` an exporter, `on_events`
 * a listener, a route an endpoint.
 */
typedef struct meterbox_plugin_v1 {
  size_t struct_size;
  uint32_t api_major;   /* METERBOX_C_MAJOR */
  uint32_t api_minor;   /* METERBOX_C_MINOR */
  const char *metadata; /* METERBOX_METADATA */

  /*
   * Makes the plugin. `config` is a JSON object, the plugin's own file as the operator wrote it.
   * `functions` and `host` are valid until `destroy` returns; `*plugin` comes back as the first argument
   * of everything else. A failure is shown to the person who put the plugin into the folder.
   */
  meterbox_status (*create)(const meterbox_functions_v1 *functions, meterbox_host *host,
                            meterbox_text config, void **plugin, meterbox_error *error);
  /* After `stop`, when no call is in progress. Every handle has been given back by then. */
  void (*destroy)(void *plugin);

  /* Once before it goes into service; once when it goes out of it, with the time left for that.
     Threads of the plugin's own must end in `stop`. */
  meterbox_status (*start)(void *plugin, meterbox_error *error);
  meterbox_status (*stop)(void *plugin, uint64_t deadline_ns, meterbox_error *error);

  /* Names its routes, at most 64, by routes_add. Asked once after `create`. */
  void (*routes)(void *plugin, meterbox_routes *routes);

  /*
   * Answers one request. Return
   *   METERBOX_OK     the reply has been ended (one that was not becomes a 500);
   *   METERBOX_LATER  the plugin keeps `reply` and ends it later, from any thread;
   *   anything else   the error is the answer, the reply is the host's again.
   * `request` is the host's: request_retain keeps it for longer.
   */
  meterbox_status (*call)(void *plugin, uint32_t route, const meterbox_request *request,
                          meterbox_reply *reply, meterbox_error *error);

  /* Shows families that are read at this moment. With names, others may be left out. */
  meterbox_status (*collect)(void *plugin, meterbox_families *families, meterbox_error *error);

  /* Up to 256 events that it subscribed to. */
  meterbox_status (*on_events)(void *plugin, const meterbox_table *events, meterbox_error *error);

  /* Encodes what was gathered into pushes; judges the answer to one (NULL: by status). */
  meterbox_status (*push_metrics)(void *plugin, const meterbox_gathered *gathered,
                                  meterbox_pushes *pushes, meterbox_error *error);
  meterbox_status (*classify)(void *plugin, uint32_t status, meterbox_bytes body, uint32_t *verdict,
                              meterbox_error *reason);

  /* A timer has come round. Calls of one timer never overlap. */
  meterbox_status (*on_timer)(void *plugin, uint64_t id, meterbox_error *error);
} meterbox_plugin_v1;

#if defined(_WIN32)
#define METERBOX_EXPORT __declspec(dllexport)
#else
#define METERBOX_EXPORT __attribute__((visibility("default")))
#endif

/* The one symbol of a plugin. Called once after the library is opened; must not fail. */
METERBOX_EXPORT const meterbox_plugin_v1 *meterbox_plugin_get_v1(void);

/*
 * What the library says about itself, in the section `.meterbox`; once in a library. All four are string
 * literals without `"` or `\`: name ([a-z][a-z0-9_]{0,62}), version, one sentence, and a list of
 * permissions as a JSON array, for example "[]" or "[\"metrics.read\"]".
 */
#define METERBOX_PLUGIN_METADATA(name, version, description, permissions) \
  METERBOX_PLUGIN_METADATA_JSON("{\"name\":\"" name "\",\"version\":\"" version \
                                "\",\"api\":\"" METERBOX_C_API "\",\"description\":\"" description \
                                "\",\"permissions\":" permissions "}")

/*
 * The same, with the whole JSON object written by hand: it may have a `schema` for the configuration, and
 * `families`, the names of all families that its collector may show, one that ends in `*` for all that
 * begin so: a scrape that asks for other names does not ask it.
 */
#define METERBOX_PLUGIN_METADATA_JSON(json) \
  __attribute__((used, section(".meterbox"))) static const char METERBOX_METADATA[] = json

#ifdef __cplusplus
}
#endif

#endif
