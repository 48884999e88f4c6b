/* A plugin that uses everything in the header and reports what came of it, as C and as C++. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meterbox_plugin.h"

#ifndef METADATA
#define METADATA METERBOX_PLUGIN_METADATA("exercise", "1.2.3", "Uses everything.", "[]")
#endif
#ifndef TABLE_SIZE
#define TABLE_SIZE sizeof(meterbox_plugin_v1)
#endif
#ifndef API_MAJOR
#define API_MAJOR METERBOX_C_MAJOR
#endif
#ifndef CREATE
#define CREATE create
#endif

METADATA;

static const meterbox_functions_v1 *mb;
static meterbox_host *host;
static meterbox_reply *kept;

#define SAID 4000
typedef struct said { char text[SAID]; size_t len; } said;

static void say(said *to, const char *what, meterbox_text text) {
  int len = snprintf(to->text + to->len, SAID - to->len, "%s=%.*s\n", what, (int)text.len,
                     text.data == NULL ? "" : text.data);
  if (len > 0 && to->len + (size_t)len < SAID) to->len += (size_t)len;
}

static void say_number(said *to, const char *what, double number) {
  char text[64];
  snprintf(text, sizeof text, "%g", number);
  say(to, what, meterbox_text_of(text));
}

static meterbox_text as_text(meterbox_bytes bytes) {
  meterbox_text text;
  text.data = (const char *)bytes.data;
  text.len = bytes.len;
  return text;
}

static int show_family(void *data, const meterbox_family_v1 *family) {
  said *to = (said *)data;
  say(to, "family", family->name);
  say_number(to, "kind", family->kind);
  say_number(to, "bounds", (double)family->bounds_len);
  say_number(to, "has_bounds", METERBOX_HAS(family, bounds_len));
  return 0;
}

static int show_segment(void *data, const meterbox_segment_v1 *segment) {
  said *to = (said *)data;
  say_number(to, "len", (double)segment->label_ends.len);
  say(to, "labels", segment->label_text);
  if (segment->values.len > 0) say_number(to, "last", segment->values.data[segment->values.len - 1]);
  if (segment->bucket_counts.len > 0) say_number(to, "first_bucket", (double)segment->bucket_counts.data[0]);
  if (segment->sums.len > 0) say_number(to, "sum", segment->sums.data[0]);
  say_number(to, "structure", (double)segment->structure);
  return segment->label_ends.len == 1 ? 0 : 1; /* a segment of more than one ends the gather */
}

static meterbox_visitor_v1 visitor(void) {
  meterbox_visitor_v1 made;
  made.struct_size = sizeof made;
  made.family = show_family;
  made.segment = show_segment;
  return made;
}

static void family_of(meterbox_family_v1 *family, uint32_t kind, const char *name) {
  memset(family, 0, sizeof *family);
  family->struct_size = sizeof *family;
  family->kind = kind;
  family->name = meterbox_text_of(name);
  family->help = meterbox_text_of("For a test.");
}

static meterbox_status create(const meterbox_functions_v1 *functions, meterbox_host *given,
                              meterbox_text config, void **plugin, meterbox_error *error) {
  meterbox_status status = METERBOX_OK;
  mb = functions;
  host = given;
  if (config.len > 2) status = meterbox_fail(error, METERBOX_INVALID, "exercise takes no configuration");
  *plugin = &kept;
  return status;
}

static void destroy(void *plugin) {
  mb->log(host, METERBOX_INFO, meterbox_text_of(plugin == &kept ? "destroyed" : "destroyed what?"));
}

static void routes(void *plugin, meterbox_routes *to) {
  meterbox_route_v1 route;
  (void)plugin;
  memset(&route, 0, sizeof route);
  route.struct_size = sizeof route;
  route.id = 7;
  route.listener = METERBOX_METRICS;
  route.methods = METERBOX_ANY_METHOD;
  route.pattern = meterbox_text_of("exercise");
  mb->routes_add(to, &route);
  route.struct_size = 3;
  mb->routes_add(to, &route); /* no table: left out */
  mb->routes_add(to, NULL);
}

static void metrics(said *to) {
  static const double bounds[] = {1, 2};
  static const uint64_t buckets[] = {1, 0, 2};
  meterbox_family_v1 spec;
  meterbox_family *family = NULL;
  meterbox_series *series = NULL;
  meterbox_text label = meterbox_text_of("color"), red = meterbox_text_of("red");
  char sentence[64] = "";
  meterbox_error error;
  error.text = sentence;
  error.room = sizeof sentence;
  family_of(&spec, METERBOX_HISTOGRAM, "exercise_seconds");
  spec.labels = &label;
  spec.labels_len = 1;
  spec.bounds = bounds;
  spec.bounds_len = 2;
  say_number(to, "register", mb->family_register(host, &spec, &family, &error));
  say_number(to, "series", mb->family_series(family, &red, 1, &series, &error));
  mb->series_add_whole(series, 3);
  mb->series_add(series, 0.5);
  mb->series_set(series, 4);
  mb->series_observe(series, 1.5);
  mb->series_merge(series, buckets, 3, 9);
  mb->series_release(series);
  say_number(to, "too_many_values", mb->family_series(family, NULL, 0, &series, &error));
  say(to, "sentence", meterbox_text_of(sentence));
  say_number(to, "remove", mb->family_remove(family, &red, 1, NULL));
  mb->family_release(family);
}

/* What a careless author does: nothing of it may do more than fail. */
static void abuse(said *to) {
  meterbox_family_v1 spec;
  meterbox_family *family = NULL;
  meterbox_visitor_v1 shown = visitor();
  meterbox_text latin = meterbox_text_of("\xe4"), nowhere;
  nowhere.data = NULL;
  nowhere.len = 9;
  family_of(&spec, METERBOX_GAUGE, "x");
  say_number(to, "null_host", mb->family_register(NULL, &spec, &family, NULL));
  say_number(to, "null_place", mb->family_register(host, &spec, NULL, NULL));
  say_number(to, "null_family", mb->family_register(host, NULL, &family, NULL));
  spec.name = latin;
  say_number(to, "latin", mb->family_register(host, &spec, &family, NULL));
  spec.name = nowhere;
  say_number(to, "nowhere", mb->family_register(host, &spec, &family, NULL));
  spec.struct_size = 8;
  say_number(to, "short_family", mb->family_register(host, &spec, &family, NULL));
  shown.struct_size = 0;
  say_number(to, "short_visitor", mb->gather(host, NULL, 0, &shown, to, NULL));
  mb->log(host, METERBOX_INFO, nowhere);
  mb->log(host, METERBOX_WARN, latin);
  mb->series_add(NULL, 1);
  mb->series_release(NULL);
  mb->family_release(NULL);
  mb->table_release(NULL);
  mb->request_release(NULL);
  say_number(to, "null_reply", mb->reply_write(NULL, meterbox_bytes_of("x", 1), NULL));
  say_number(to, "null_table", (double)mb->table_len(NULL));
}

static void facts(said *to, const meterbox_request *request) {
  char name[8];
  meterbox_table *models = NULL;
  meterbox_text text;
  meterbox_bytes value;
  double ready = 0;
  size_t index;
  say(to, "method", mb->request_method(request));
  say(to, "path", mb->request_path(request));
  say(to, "query", mb->request_query(request));
  say(to, "peer", mb->request_peer(request));
  if (mb->request_header(request, meterbox_text_of("X-Color"), &value)) say(to, "header", as_text(value));
  say_number(to, "no_header", mb->request_header(request, meterbox_text_of("x-none"), &value));
  for (index = 0; mb->request_header_at(request, index, &text, &value); index++) say(to, "name", text);
  say_number(to, "left", (double)mb->request_time_left_ns(request));
  say_number(to, "fact", (double)mb->info(host, METERBOX_HOSTNAME, name, sizeof name));
  say(to, "cut", meterbox_text_of(name));
  say_number(to, "no_fact", (double)mb->info(host, 99, name, sizeof name));
  say_number(to, "clock", (double)mb->clock(host, METERBOX_UNIX_CLOCK));
  say_number(to, "enabled", mb->log_enabled(host, METERBOX_TRACE));
  say_number(to, "models", mb->models(host, &models, NULL));
  say_number(to, "rows", (double)mb->table_len(models));
  if (mb->table_text(models, 0, METERBOX_MODEL_NAME, &text)) say(to, "model", text);
  if (mb->table_number(models, 0, METERBOX_MODEL_WORKERS_READY, &ready)) say_number(to, "ready", ready);
  say_number(to, "no_row", mb->table_text(models, 5, METERBOX_MODEL_NAME, &text));
  mb->table_release(models);
  say_number(to, "subscribe", mb->subscribe(host, METERBOX_REQUEST_DONE | METERBOX_SAMPLE, NULL));
  say_number(to, "timer", mb->start_timer(host, 4, 5000, NULL));
  say_number(to, "no_timer", mb->stop_timer(host, 4, NULL));
}

static void body(said *to, const meterbox_request *request) {
  meterbox_request *own = mb->request_retain(request);
  char piece[4];
  size_t read = 1, all = 0;
  say_number(to, "no_room", mb->request_read_body(own, piece, 0, &read, NULL));
  do {
    if (mb->request_read_body(own, piece, sizeof piece, &read, NULL) != METERBOX_OK) break;
    all += read;
  } while (read > 0);
  say_number(to, "body", (double)all);
  mb->request_release(own);
}

static int is(meterbox_text text, const char *wanted) {
  return text.len == strlen(wanted) && memcmp(text.data, wanted, text.len) == 0;
}

static meterbox_status call(void *plugin, uint32_t route, const meterbox_request *request,
                            meterbox_reply *reply, meterbox_error *error) {
  meterbox_text rest = mb->request_rest(request);
  meterbox_visitor_v1 shown = visitor();
  meterbox_bytes none = meterbox_bytes_of(NULL, 0);
  said to;
  (void)plugin;
  to.len = 0;
  if (route != 7) return meterbox_fail(error, METERBOX_NOT_FOUND, "no such route");
  if (is(rest, "/forget")) return METERBOX_OK;
  if (is(rest, "/fail")) return meterbox_fail(error, METERBOX_CONFLICT, "it clashes");
  if (is(rest, "/wordless")) return METERBOX_LIMIT;
  if (is(rest, "/refuse")) return mb->reply_fail(reply, 418, meterbox_text_of("no coffee"), error);
  if (is(rest, "/later")) { kept = reply; return METERBOX_LATER; }
  if (is(rest, "/ended")) { /* ended, and then an error all the same */
    mb->reply_finish(reply, meterbox_bytes_of("done", 4), error);
    return METERBOX_INTERNAL;
  }
  if (is(rest, "/metrics")) metrics(&to);
  if (is(rest, "/abuse")) abuse(&to);
  if (is(rest, "/facts")) facts(&to, request);
  if (is(rest, "/body")) body(&to, request);
  if (is(rest, "/gather")) {
    meterbox_text names[2];
    names[0] = meterbox_text_of("one");
    names[1] = meterbox_text_of("two_sum");
    say_number(&to, "gather", mb->gather(host, names, 2, &shown, &to, NULL));
  }
  if (is(rest, "/head")) {
    say_number(&to, "status", mb->reply_status(reply, 201, error));
    say_number(&to, "bad_status", mb->reply_status(reply, 70000, error));
    say_number(&to, "header", mb->reply_header(reply, meterbox_text_of("x-a"), meterbox_bytes_of("b", 1), error));
    say_number(&to, "bad_header", mb->reply_header(reply, meterbox_text_of("x a"), none, error));
    say_number(&to, "closed", mb->reply_is_closed(reply));
    say_number(&to, "write", mb->reply_write(reply, meterbox_bytes_of("first\n", 6), error));
  }
  {
    meterbox_status status = mb->reply_finish(reply, meterbox_bytes_of(to.text, to.len), error);
    if (mb->reply_finish(reply, none, NULL) != METERBOX_CLOSED) abort();
    return status;
  }
}

/* Ends the kept reply: what another thread of the plugin would do. */
static meterbox_status on_timer(void *plugin, uint64_t id, meterbox_error *error) {
  meterbox_reply *reply = kept;
  (void)plugin;
  kept = NULL;
  if (id == 1) return mb->reply_finish(reply, meterbox_bytes_of("later", 5), error);
  mb->reply_drop(reply);
  return METERBOX_OK;
}

static meterbox_status collect(void *plugin, meterbox_families *families, meterbox_error *error) {
  static const double bounds[] = {1};
  static const uint64_t buckets[] = {3, 4};
  meterbox_text label = meterbox_text_of("n"), value;
  meterbox_family_v1 family;
  char text[16];
  int i;
  (void)plugin;
  family_of(&family, METERBOX_GAUGE, "many");
  family.labels = &label;
  family.labels_len = 1;
  mb->families_begin(families, &family, error);
  for (i = 0; i < 300; i++) {
    meterbox_status status;
    snprintf(text, sizeof text, "%d\"\\\n", i);
    value = meterbox_text_of(text);
    status = mb->families_value(families, &value, 1, i, error);
    if (status == METERBOX_CLOSED) return METERBOX_OK;
    if (status != METERBOX_OK) return status;
  }
  family_of(&family, METERBOX_HISTOGRAM, "spread");
  family.bounds = bounds;
  family.bounds_len = 1;
  if (mb->families_wants(families, family.name)) {
    mb->families_begin(families, &family, error);
    mb->families_buckets(families, NULL, 0, buckets, 2, 5.5, error);
  }
  family_of(&family, METERBOX_SUMMARY, "total");
  mb->families_begin(families, &family, error);
  mb->families_total(families, NULL, 0, 7, 2.5, error);
  mb->families_value(families, NULL, 0, 1, error); /* no sample of a summary: remembered */
  return METERBOX_OK;
}

static meterbox_status on_events(void *plugin, const meterbox_table *events, meterbox_error *error) {
  meterbox_table *own = mb->table_retain(events);
  meterbox_text path;
  (void)plugin;
  (void)error;
  if (mb->table_text(own, 0, METERBOX_EVENT_PATH, &path)) mb->log(host, METERBOX_DEBUG, path);
  mb->table_release(own);
  return METERBOX_OK;
}

static meterbox_status push_metrics(void *plugin, const meterbox_gathered *gathered,
                                    meterbox_pushes *pushes, meterbox_error *error) {
  meterbox_visitor_v1 shown = visitor();
  meterbox_push_v1 push;
  meterbox_pair header;
  meterbox_status status;
  said to;
  (void)plugin;
  to.len = 0;
  status = mb->gathered_show(gathered, NULL, 0, &shown, &to, error);
  if (status != METERBOX_OK) return status;
  header.name = meterbox_text_of("x-kind");
  header.value = meterbox_text_of("test");
  memset(&push, 0, sizeof push);
  push.struct_size = sizeof push;
  push.method = meterbox_text_of("PUT");
  if (mb->pushes_add(pushes, &push, NULL) != METERBOX_INVALID) abort();
  push.url = meterbox_text_of("http://127.0.0.1/in");
  push.headers = &header;
  push.headers_len = 1;
  push.body = meterbox_bytes_of(to.text, to.len);
  return mb->pushes_add(pushes, &push, error);
}

static meterbox_status classify(void *plugin, uint32_t status, meterbox_bytes body, uint32_t *verdict,
                                meterbox_error *reason) {
  (void)plugin;
  if (status == 0) return METERBOX_INTERNAL;
  *verdict = body.len > 2 ? METERBOX_DROP : METERBOX_RETRY;
  return body.len > 2 ? meterbox_fail(reason, METERBOX_OK, "too wordy") : METERBOX_OK;
}

METERBOX_EXPORT const meterbox_plugin_v1 *meterbox_plugin_get_v1(void) {
  static const meterbox_plugin_v1 table = {
      TABLE_SIZE, API_MAJOR, METERBOX_C_MINOR, METERBOX_METADATA, CREATE, destroy,
      NULL, NULL, routes, call, collect, on_events, push_metrics, classify, on_timer,
  };
  return &table;
}
