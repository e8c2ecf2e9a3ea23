// A server behind the proxy that does as a test says, and remembers what reached it.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/address.h"
#include "base/unique_fd.h"

namespace roundhouse::test {

class Origin {
 public:
  enum class Then : std::uint8_t {
    kKeep,   // waits for the next request
    kClose,  // ends the connection
    kReset,  // so that the other side sees a reset
    kEcho    // sends back what comes from now on
  };
  struct Reply {
    std::string bytes = {};
    Then then = Then::kKeep;
  };
  // What came: the head with its empty line, and the body as it was sent, chunks and all.
  struct Seen {
    std::string head;
    std::string body;
  };
  using Script = std::function<Reply(const Seen&)>;

  // Listens on a free port of 127.0.0.1, or where it is told. The script runs on threads of the
  // origin.
  explicit Origin(Script script, const Address& at = Address::loopback(0));
  // Always the same answer: 200 with this body.
  explicit Origin(const std::string& body);
  Origin(const Origin&) = delete;
  Origin& operator=(const Origin&) = delete;
  ~Origin() { stop(); }

  const Address& address() const { return address_; }
  // Refuses connections and ends those that are open, until start().
  void stop();
  void start();

  std::vector<Seen> seen() const;
  std::size_t connections() const;

 private:
  void accept_all();
  void serve(int fd);

  Script script_;
  Address address_;
  UniqueFd listening_;
  std::thread acceptor_;
  mutable std::mutex mutex_;  // of what follows
  std::vector<Seen> seen_;
  std::vector<std::thread> threads_;
  std::vector<int> open_;
  std::size_t connections_ = 0;
};

// "HTTP/1.1 200 OK" with a Content-Length.
std::string ok(const std::string& body, const std::string& more_headers = "");

}  // namespace roundhouse::test
