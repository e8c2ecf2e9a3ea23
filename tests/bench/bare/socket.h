// What the bare programs of the bench have in common: a listening socket, epoll, and dying.
#pragma once

#include <sys/epoll.h>

#include <cstdint>

namespace roundhouse::bench {

// Says which step failed and why, and ends.
[[noreturn]] void die(const char* step);

// On 127.0.0.1, non-blocking. TCP_DEFER_ACCEPT for 1 s, as listeners of ours.
int listen_on(std::uint16_t port);

// Connected to 127.0.0.1, non-blocking, TCP_NODELAY; or -1.
int connect_to(std::uint16_t port);

// Level-triggered reading; `data` comes back with each event.
void watch(int epoll, int fd, epoll_data_t data);

// "8080", or the program ends.
std::uint16_t port_of(const char* text);

}  // namespace roundhouse::bench
