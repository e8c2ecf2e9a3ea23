// A TCP server behind the proxy that does as a test says with each connection.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/address.h"
#include "base/unique_fd.h"

namespace roundhouse::test {

// One end of a connection, blocking. It is closed with the object.
class Stream {
 public:
  explicit Stream(UniqueFd fd);
  // Not open if that fails. `from`: the client's address; none: the kernel's choice.
  static Stream connect(const Address& server, const Address* from = nullptr);

  bool is_open() const { return static_cast<bool>(fd_); }
  int fd() const { return fd_.get(); }
  bool send(std::string_view bytes);
  void end_writing();
  void close() { fd_.reset(); }
  void reset();  // closes with RST
  // So many, or those before the end.
  std::string receive(std::size_t count);
  std::string receive_all() { return receive(std::string::npos); }
  // How receiving stopped.
  bool ended() const { return ended_; }
  bool was_reset() const { return was_reset_; }

 private:
  UniqueFd fd_;
  bool ended_ = false;
  bool was_reset_ = false;
};

class TcpOrigin {
 public:
  // Runs on a thread of the origin; the connection is closed behind it.
  using Serve = std::function<void(Stream& stream)>;

  // Port 0: a free one.
  explicit TcpOrigin(Serve serve, const Address& address = Address::loopback(0));
  TcpOrigin(const TcpOrigin&) = delete;
  TcpOrigin& operator=(const TcpOrigin&) = delete;
  // Ends what is open.
  ~TcpOrigin();

  const Address& address() const { return address_; }
  std::size_t connections() const { return connections_; }

  // Sends back what comes, and ends with its client.
  static void echo(Stream& stream);

 private:
  void accept_all();

  Serve serve_;
  Address address_;
  UniqueFd listening_;
  std::atomic<std::size_t> connections_ = 0;
  std::mutex mutex_;  // of what follows
  std::vector<std::thread> threads_;
  std::vector<int> open_;
  std::thread acceptor_;
};

// Where nobody listens.
Address dead_address();

}  // namespace roundhouse::test
