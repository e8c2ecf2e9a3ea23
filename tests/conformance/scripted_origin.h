// The server behind the proxy under trial: remembers every byte that reaches it, and answers as a
// case says.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/address.h"
#include "base/unique_fd.h"
#include "conformance/message.h"
#include "conformance/table.h"

namespace roundhouse::conformance {

class ScriptedOrigin {
 public:
  struct Seen {
    std::size_t connection = 0;  // counted from 1
    Message message = {};
    bool ended = false;  // its connection is closed
  };

  // Listens on a free port of 127.0.0.1.
  ScriptedOrigin();
  ScriptedOrigin(const ScriptedOrigin&) = delete;
  ScriptedOrigin& operator=(const ScriptedOrigin&) = delete;
  ~ScriptedOrigin();

  const Address& address() const { return address_; }

  // Ends the connections that are open, waits until the proxy has let go of them, and forgets what
  // was seen. The first request of the case is answered by its script; the others with 200 and
  // their method and target. `one` must outlive the case.
  void begin(const Case& one);
  // The client has got a whole answer.
  void client_was_answered();
  std::vector<Seen> seen() const;
  // Until the condition holds for what was seen; false after `patience`.
  bool wait(std::chrono::milliseconds patience,
            const std::function<bool(const std::vector<Seen>&)>& condition) const;

 private:
  struct Connection {
    UniqueFd fd;
    std::thread thread = {};
    std::size_t number = 0;
    bool over = false;
  };

  void accept_all();
  void serve(Connection& connection);
  bool answer(int fd, const Message& message);
  bool play(int fd);
  bool takes_script(const Message& message);
  void end_connections();

  Address address_ = Address::loopback(0);
  UniqueFd listening_;
  std::thread acceptor_;
  mutable std::mutex mutex_;  // of what follows
  mutable std::condition_variable changed_;
  std::list<Connection> connections_;
  std::vector<Seen> seen_;
  const Case* case_ = nullptr;
  std::size_t accepted_ = 0;
  bool script_played_ = false;
  bool answered_ = false;
  bool stopping_ = false;
};

// All of it, at most `packet` bytes at once; false if the other side is gone.
bool send_all(int fd, std::string_view bytes, std::size_t packet);
// So that the close that follows is a reset.
void make_close_a_reset(int fd);

}  // namespace roundhouse::conformance
