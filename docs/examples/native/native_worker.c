/* pools: {app: {type: native, command: ./native_worker}} */
#include "roundhouse_native.h"

#include <stdio.h>
#include <sys/time.h>

static void answer(struct rh_worker *w, int connection) {
  char request[4096], text[64], reply[256];
  const struct timeval patience = {1, 0};
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  struct pollfd ready = {connection, POLLIN, 0};
  if (poll(&ready, 1, 1000) <= 0 || recv(connection, request, sizeof request, 0) <= 0) return;
  snprintf(text, sizeof text, "hello from C worker %d\n", w->id);
  const int size = snprintf(reply, sizeof reply,
                            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
                            strlen(text), text);
  if (send(connection, reply, (size_t)size, MSG_NOSIGNAL) == size)
    atomic_fetch_add(&w->slot->requests_total, 1);
}

int main(void) {
  struct rh_worker w;
  rh_open(&w);
  for (int connection; (connection = rh_accept(&w)) >= 0; rh_close(&w, connection))
    answer(&w, connection);
  return 0;
}
