// A blocking HTTP/1.1 client for tests: one request a connection, everything bounded by a deadline.
#pragma once

#include <sys/socket.h>
#include <sys/time.h>

#include <string>
#include <string_view>

#include "base/address.h"
#include "base/unique_fd.h"

namespace roundhouse::testing_support {

struct HttpReply {
  int status = 0;  // 0: no answer
  std::string head;
  std::string body;
};

// Each read and write fails after ten seconds. An invalid descriptor if nobody listens.
inline UniqueFd connect_to(const Address& address) {
  UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience{.tv_sec = 10, .tv_usec = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::connect(fd.get(), address.data(), address.size()) != 0) fd.reset();
  return fd;
}

inline bool send_text(const UniqueFd& fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// Until the peer closes.
inline std::string receive_all(const UniqueFd& fd) {
  std::string all;
  char part[65536];
  for (ssize_t size = 0; (size = ::recv(fd.get(), part, sizeof part, 0)) > 0;) {
    all.append(part, static_cast<std::size_t>(size));
  }
  return all;
}

inline HttpReply parse_reply(const std::string& text) {
  HttpReply reply;
  const auto end = text.find("\r\n\r\n");
  if (!text.starts_with("HTTP/1.") || end == std::string::npos) return reply;
  reply.status = std::stoi(text.substr(9, 3));
  reply.head = text.substr(0, end + 2);
  reply.body = text.substr(end + 4);
  return reply;
}

// `method` "GET", `path` "/metrics"; the peer is asked to close behind its answer.
inline HttpReply fetch(const Address& address, const std::string& method, const std::string& path,
                       const std::string& body = "") {
  const UniqueFd fd = connect_to(address);
  if (!fd) return {};
  std::string request = method + " " + path + " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n";
  if (!body.empty()) request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  if (!send_text(fd, request + "\r\n" + body)) return {};
  return parse_reply(receive_all(fd));
}

}  // namespace roundhouse::testing_support
