/* A worker of Roundhouse in C: the native protocol (docs/native-protocol.md) for programs that serve
 * one connection at a time. Copy this file; native_worker.c shows how it is used.
 *
 *   struct rh_worker w;
 *   rh_open(&w);                                   the program ends if no edge has started it
 *   while ((fd = rh_accept(&w)) >= 0) { ...; rh_close(&w, fd); }
 *
 * rh_accept waits, shows that the program is alive, and returns -1 when it shall end. A program that
 * does not come back to it for liveness.replace (2 s) is held to hang and is replaced. */
#ifndef ROUNDHOUSE_NATIVE_H
#define ROUNDHOUSE_NATIVE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* include this file first */
#endif
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { RH_CONNECTIONS = 1, RH_NUDGE = 2, RH_DRAIN = 3, RH_READY = 16, RH_ROOM = 18 };
enum { RH_MOST = 8, RH_MESSAGE = 16 + 8 + RH_MOST * 48 }; /* descriptors and bytes of one message */

struct rh_header {
  uint32_t type, size;
  uint64_t sequence;
};

struct rh_slot { /* the beginning of the slot: what this file writes and reads */
  uint32_t magic, version;
  char gap[56];
  _Atomic uint32_t room_wanted; /* by the edge */
  char more[60];
  _Atomic uint64_t taken;
  _Atomic int64_t heartbeat_ns;
  _Atomic uint32_t connections_active, requests_in_flight;
  _Atomic uint64_t connections_total, requests_total;
};

struct rh_worker {
  int channel, id, ending;
  struct rh_slot *slot;
  uint32_t room_told;
  int waiting[RH_MOST], count; /* taken and not yet returned by rh_accept */
};

static void rh_say(struct rh_worker *w, uint32_t type) {
  const struct rh_header message = {type, sizeof message, 0};
  if (send(w->channel, &message, sizeof message, MSG_NOSIGNAL) < 0) w->ending = 1;
}

static void rh_open(struct rh_worker *w) {
  const char *protocol = getenv("ROUNDHOUSE_PROTOCOL");
  memset(w, 0, sizeof *w);
  if (protocol == NULL || strcmp(protocol, "1") != 0) exit(125); /* do not restart me */
  w->id = atoi(getenv("ROUNDHOUSE_WORKER_ID"));
  w->channel = atoi(getenv("ROUNDHOUSE_CHANNEL_FD"));
  w->slot = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
                 atoi(getenv("ROUNDHOUSE_SLOT_FD")), 0);
  if (w->slot == MAP_FAILED) exit(1);
  rh_say(w, RH_READY);
}

/* One message of the channel, if there is one. */
static void rh_receive(struct rh_worker *w) {
  char bytes[RH_MESSAGE];
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(RH_MOST * sizeof(int))];
  } control;
  struct iovec part = {bytes, sizeof bytes};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
                           .msg_controllen = sizeof control};
  const ssize_t size = recvmsg(w->channel, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (size == 0) w->ending = 1; /* the edge is dead */
  if (size < (ssize_t)sizeof(struct rh_header)) return;
  struct rh_header header;
  memcpy(&header, bytes, sizeof header);
  struct cmsghdr *given = CMSG_FIRSTHDR(&message);
  if (given != NULL && given->cmsg_type == SCM_RIGHTS) {
    w->count = (int)((given->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(w->waiting, CMSG_DATA(given), (size_t)w->count * sizeof(int));
    atomic_fetch_add(&w->slot->connections_active, (uint32_t)w->count);
    atomic_fetch_add(&w->slot->connections_total, (uint64_t)w->count);
  }
  if (header.type == RH_DRAIN) w->ending = 1;
  if (header.sequence != 0) atomic_store(&w->slot->taken, header.sequence);
}

static int rh_accept(struct rh_worker *w) {
  while (w->count == 0 && !w->ending) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    atomic_store(&w->slot->heartbeat_ns, (int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
    const uint32_t wanted = atomic_load(&w->slot->room_wanted);
    if (wanted != w->room_told) rh_say(w, RH_ROOM);
    w->room_told = wanted;
    struct pollfd ready = {w->channel, POLLIN, 0};
    if (poll(&ready, 1, 200) > 0) rh_receive(w);
  }
  return w->count > 0 ? w->waiting[--w->count] : -1;
}

static void rh_close(struct rh_worker *w, int connection) {
  close(connection);
  atomic_fetch_sub(&w->slot->connections_active, 1);
}

#endif
