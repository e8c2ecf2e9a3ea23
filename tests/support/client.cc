#include "support/client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace roundhouse::test {

Client::Client(const Address& server, const Address& source, std::chrono::milliseconds patience) {
  fd_.reset(::socket(server.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval time{.tv_sec = patience.count() / 1000, .tv_usec = patience.count() % 1000 * 1000};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
  const bool bound =
      source.family() == AF_UNSPEC || ::bind(fd_.get(), source.data(), source.size()) == 0;
  if (!bound || ::connect(fd_.get(), server.data(), server.size()) != 0) fd_.reset();
}

bool Client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool Client::fill() {
  char bytes[65536];
  const ssize_t n = ::recv(fd_.get(), bytes, sizeof bytes, 0);
  if (n <= 0) return false;
  buffer_.append(bytes, static_cast<std::size_t>(n));
  return true;
}

Response Client::receive(bool head) {
  Response response;
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == buffer_.npos) {
    if (!fill()) return response;
  }
  std::string top = buffer_.substr(0, end + 2);
  buffer_.erase(0, end + 4);
  response.status = std::atoi(top.substr(top.find(' ') + 1, 3).c_str());
  for (std::size_t at = top.find("\r\n") + 2; at < top.size();) {
    const std::size_t line_end = top.find("\r\n", at);
    const std::size_t colon = top.find(':', at);
    std::string name = top.substr(at, colon - at);
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const std::size_t value = top.find_first_not_of(' ', colon + 1);
    response.headers[name] = top.substr(value, line_end - value);
    at = line_end + 2;
  }
  if (head || response.status / 100 == 1 || response.status == 204 || response.status == 304) {
    response.complete = true;
    return response;
  }
  if (response.headers["transfer-encoding"] == "chunked") {
    for (;;) {
      std::size_t line = 0;
      while ((line = buffer_.find("\r\n")) == buffer_.npos) {
        if (!fill()) return response;
      }
      const std::size_t size = std::strtoul(buffer_.c_str(), nullptr, 16);
      if (size == 0) {
        while (!buffer_.ends_with("\r\n\r\n") && buffer_.find("\r\n\r\n") == buffer_.npos) {
          if (!fill()) return response;
        }
        buffer_.erase(0, buffer_.find("\r\n\r\n") + 4);
        response.complete = true;
        return response;
      }
      while (buffer_.size() < line + 2 + size + 2) {
        if (!fill()) return response;
      }
      response.body += buffer_.substr(line + 2, size);
      buffer_.erase(0, line + 2 + size + 2);
    }
  }
  const bool until_end = !response.headers.contains("content-length");
  const std::size_t length =
      until_end ? 0 : std::strtoul(response.headers["content-length"].c_str(), nullptr, 10);
  while (until_end || buffer_.size() < length) {
    if (!fill()) break;
  }
  response.complete = until_end || buffer_.size() >= length;
  response.body = buffer_.substr(0, until_end ? buffer_.npos : length);
  buffer_.erase(0, response.body.size());
  return response;
}

Response Client::request(std::string_view method, std::string_view target,
                         std::string_view more_headers, std::string_view body) {
  std::string text(method);
  text.append(" ").append(target).append(" HTTP/1.1\r\nHost: localhost\r\n").append(more_headers);
  if (!body.empty())
    text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
  text.append("\r\n").append(body);
  if (!connected() || !send(text)) return {};
  return receive(method == "HEAD");
}

bool Client::at_end() { return buffer_.empty() && !fill() && buffer_.empty(); }

void Client::reset() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  fd_.reset();
}

Response get(const Address& server, std::string_view target) { return Client(server).get(target); }

}  // namespace roundhouse::test
