/*
 * A whole plugin in C: a route that says hello in JSON, one that streams, one that answers later from a
 * thread of its own, a counter and a histogram, a collector, a timer, and one value of configuration.
 *
 *   cc -std=c99 -shared -fPIC -I plugin-api/c -o hello_c.so plugin-api/c/example/hello.c -lpthread
 *
 * Put it into the plugin folder, with a hello_c.toml beside it if the greeting shall be another one:
 *   greeting = "Good morning"
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meterbox_plugin.h"

METERBOX_PLUGIN_METADATA("hello_c", "0.1.0", "Says hello from C.", "[\"timers\"]");

enum { HELLO = 1, STREAM = 2, LATER = 3, TICK = 1 };

typedef struct hello {
  const meterbox_functions_v1 *mb;
  meterbox_host *host;
  meterbox_series *greetings;
  meterbox_series *seconds;
  char greeting[64];
  pthread_mutex_t lock; /* guards what follows */
  unsigned long ticks;
  meterbox_reply *waiting; /* a reply that the next tick ends */
} hello;

/* The value of a key in a flat JSON object of texts. A plugin with more to read links a JSON library. */
static void read_text(meterbox_text json, const char *key, char *to, size_t room) {
  char wanted[80];
  const char *at, *end = json.data + json.len;
  size_t len = (size_t)snprintf(wanted, sizeof wanted, "\"%s\":\"", key);
  for (at = json.data; at + len < end; at++) {
    if (memcmp(at, wanted, len) == 0) {
      size_t kept = 0;
      for (at += len; at < end && *at != '"' && *at != '\\' && kept + 1 < room; at++) to[kept++] = *at;
      to[kept] = '\0';
      return;
    }
  }
}

/* Registers a family and gives its one series. */
static meterbox_status one_series(hello *self, const meterbox_family_v1 *family,
                                  const meterbox_text *values, size_t values_len,
                                  meterbox_series **series, meterbox_error *error) {
  meterbox_family *registered = NULL;
  meterbox_status status = self->mb->family_register(self->host, family, &registered, error);
  if (status == METERBOX_OK) {
    status = self->mb->family_series(registered, values, values_len, series, error);
    self->mb->family_release(registered);
  }
  return status;
}

static void destroy(void *plugin) {
  hello *self = (hello *)plugin;
  if (self->greetings != NULL) self->mb->series_release(self->greetings);
  if (self->seconds != NULL) self->mb->series_release(self->seconds);
  pthread_mutex_destroy(&self->lock);
  free(self);
}

static meterbox_status create(const meterbox_functions_v1 *mb, meterbox_host *host, meterbox_text config,
                              void **plugin, meterbox_error *error) {
  static const double bounds[] = {0.00001, 0.0001, 0.001, 0.01};
  meterbox_text language = meterbox_text_of("language"), c = meterbox_text_of("c");
  meterbox_family_v1 family;
  meterbox_status status;
  hello *self = (hello *)calloc(1, sizeof *self);
  if (self == NULL) return meterbox_fail(error, METERBOX_UNAVAILABLE, "no memory for the plugin");
  pthread_mutex_init(&self->lock, NULL);
  self->mb = mb;
  self->host = host;
  strcpy(self->greeting, "Hello");
  read_text(config, "greeting", self->greeting, sizeof self->greeting);
  if (self->greeting[0] == '\0') {
    destroy(self);
    return meterbox_fail(error, METERBOX_INVALID, "hello_c.toml: greeting is empty; write one word");
  }

  memset(&family, 0, sizeof family);
  family.struct_size = sizeof family;
  family.kind = METERBOX_COUNTER;
  family.name = meterbox_text_of("hello_c_greetings_total");
  family.help = meterbox_text_of("Greetings said.");
  family.labels = &language;
  family.labels_len = 1;
  status = one_series(self, &family, &c, 1, &self->greetings, error);
  if (status == METERBOX_OK) {
    family.kind = METERBOX_HISTOGRAM;
    family.name = meterbox_text_of("hello_c_greeting_seconds");
    family.help = meterbox_text_of("Time of a greeting.");
    family.unit = meterbox_text_of("seconds");
    family.labels = NULL;
    family.labels_len = 0;
    family.bounds = bounds;
    family.bounds_len = sizeof bounds / sizeof *bounds;
    status = one_series(self, &family, NULL, 0, &self->seconds, error);
  }
  if (status != METERBOX_OK) {
    destroy(self);
    return status;
  }
  *plugin = self;
  return METERBOX_OK;
}

static meterbox_status start(void *plugin, meterbox_error *error) {
  hello *self = (hello *)plugin;
  self->mb->log(self->host, METERBOX_INFO, meterbox_text_of("hello from C"));
  return self->mb->start_timer(self->host, TICK, 1000000000u, error);
}

/* A reply that nobody will end any more is given up, so that its client is not left waiting. */
static meterbox_status stop(void *plugin, uint64_t deadline_ns, meterbox_error *error) {
  hello *self = (hello *)plugin;
  meterbox_reply *waiting;
  (void)deadline_ns;
  pthread_mutex_lock(&self->lock);
  waiting = self->waiting;
  self->waiting = NULL;
  pthread_mutex_unlock(&self->lock);
  if (waiting != NULL) self->mb->reply_drop(waiting);
  return self->mb->stop_timer(self->host, TICK, error);
}

static void routes(void *plugin, meterbox_routes *to) {
  static const struct { uint32_t id, methods; const char *pattern; } all[] = {
      {HELLO, METERBOX_GET | METERBOX_HEAD | METERBOX_POST, "hello_c"},
      {STREAM, METERBOX_GET, "hello_c_stream"},
      {LATER, METERBOX_GET, "hello_c_later"},
  };
  size_t i;
  for (i = 0; i < sizeof all / sizeof *all; i++) {
    meterbox_route_v1 route;
    memset(&route, 0, sizeof route);
    route.struct_size = sizeof route;
    route.id = all[i].id;
    route.listener = METERBOX_METRICS;
    route.methods = all[i].methods;
    route.pattern = meterbox_text_of(all[i].pattern);
    ((hello *)plugin)->mb->routes_add(to, &route);
  }
}

/* `{"greeting":"Hello","path":"…","body_bytes":N}`; the path is cut rather than escaped. */
static meterbox_status say_hello(hello *self, const meterbox_request *request, meterbox_reply *reply,
                                 meterbox_error *error) {
  char piece[4096], json[512];
  size_t body = 0, read = 0, safe = 0;
  meterbox_text path = self->mb->request_path(request);
  meterbox_status status;
  int len;
  do {
    status = self->mb->request_read_body(request, piece, sizeof piece, &read, error);
    if (status != METERBOX_OK) return status;
    body += read;
  } while (read > 0);
  while (safe < path.len && safe < 200 && path.data[safe] >= ' ' && path.data[safe] != '"' &&
         path.data[safe] != '\\')
    safe++;
  len = snprintf(json, sizeof json, "{\"greeting\":\"%s\",\"path\":\"%.*s\",\"body_bytes\":%lu}",
                 self->greeting, (int)safe, path.data, (unsigned long)body);
  status = self->mb->reply_header(reply, meterbox_text_of("content-type"),
                                  meterbox_bytes_of("application/json", 16), error);
  if (status != METERBOX_OK) return status;
  return self->mb->reply_finish(reply, meterbox_bytes_of(json, (size_t)len), error);
}

/* Ten lines, each sent as soon as it is there. */
static meterbox_status stream(hello *self, meterbox_reply *reply, meterbox_error *error) {
  int i;
  for (i = 0; i < 10; i++) {
    char line[96];
    int len = snprintf(line, sizeof line, "%s %d\n", self->greeting, i);
    meterbox_status status =
        self->mb->reply_write(reply, meterbox_bytes_of(line, (size_t)len), error);
    if (status != METERBOX_OK) return status; /* the client has left: nothing more to do */
  }
  return self->mb->reply_finish(reply, meterbox_bytes_of(NULL, 0), error);
}

/* The reply is kept until the timer comes round; there is room for one. */
static meterbox_status keep(hello *self, meterbox_reply *reply, meterbox_error *error) {
  meterbox_status status = METERBOX_LATER;
  pthread_mutex_lock(&self->lock);
  if (self->waiting == NULL) {
    self->waiting = reply;
  } else {
    status = meterbox_fail(error, METERBOX_LIMIT, "somebody waits already; ask again in a second");
  }
  pthread_mutex_unlock(&self->lock);
  return status;
}

static meterbox_status call(void *plugin, uint32_t route, const meterbox_request *request,
                            meterbox_reply *reply, meterbox_error *error) {
  hello *self = (hello *)plugin;
  uint64_t begin = self->mb->clock(self->host, METERBOX_MONOTONIC_CLOCK);
  meterbox_status status;
  switch (route) {
    case HELLO: status = say_hello(self, request, reply, error); break;
    case STREAM: status = stream(self, reply, error); break;
    case LATER: status = keep(self, reply, error); break;
    default: status = meterbox_fail(error, METERBOX_NOT_FOUND, "no such route"); break;
  }
  if (status == METERBOX_OK) {
    uint64_t end = self->mb->clock(self->host, METERBOX_MONOTONIC_CLOCK);
    self->mb->series_add_whole(self->greetings, 1);
    self->mb->series_observe(self->seconds, (double)(end - begin) / 1e9);
  }
  return status;
}

/* A gauge that is read when somebody asks. */
static meterbox_status collect(void *plugin, meterbox_families *families, meterbox_error *error) {
  hello *self = (hello *)plugin;
  meterbox_family_v1 family;
  meterbox_status status;
  unsigned long ticks;
  memset(&family, 0, sizeof family);
  family.struct_size = sizeof family;
  family.kind = METERBOX_GAUGE;
  family.name = meterbox_text_of("hello_c_ticks");
  family.help = meterbox_text_of("How often the timer came round.");
  status = self->mb->families_begin(families, &family, error);
  if (status != METERBOX_OK) return status == METERBOX_CLOSED ? METERBOX_OK : status;
  pthread_mutex_lock(&self->lock);
  ticks = self->ticks;
  pthread_mutex_unlock(&self->lock);
  status = self->mb->families_value(families, NULL, 0, (double)ticks, error);
  return status == METERBOX_CLOSED ? METERBOX_OK : status;
}

static meterbox_status on_timer(void *plugin, uint64_t id, meterbox_error *error) {
  hello *self = (hello *)plugin;
  meterbox_reply *waiting;
  (void)id;
  pthread_mutex_lock(&self->lock);
  self->ticks++;
  waiting = self->waiting;
  self->waiting = NULL;
  pthread_mutex_unlock(&self->lock);
  if (waiting == NULL) return METERBOX_OK;
  (void)self->mb->reply_finish(waiting, meterbox_bytes_of("at last\n", 8), error);
  self->mb->series_add_whole(self->greetings, 1);
  return METERBOX_OK; /* a client that has left is no failure of the timer */
}

METERBOX_EXPORT const meterbox_plugin_v1 *meterbox_plugin_get_v1(void) {
  static const meterbox_plugin_v1 table = {
      sizeof(meterbox_plugin_v1), METERBOX_C_MAJOR, METERBOX_C_MINOR, METERBOX_METADATA,
      create, destroy, start, stop, routes, call, collect,
      NULL, /* on_events */
      NULL, /* push_metrics */
      NULL, /* classify */
      on_timer,
  };
  return &table;
}
