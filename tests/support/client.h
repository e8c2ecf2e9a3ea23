// A blocking HTTP/1.1 client of its own making, so that a test does not judge our codec by our
// codec.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/unique_fd.h"

namespace roundhouse::test {

struct Response {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  bool complete =
      false;  // false: the connection ended or was silent before the whole of it had come
};

class Client {
 public:
  // Not connected if that fails: see connected().
  explicit Client(const Address& server,
                  std::chrono::milliseconds patience = std::chrono::seconds(30))
      : Client(server, Address(), patience) {}
  // From this address of the machine, such as 127.0.0.2:0.
  Client(const Address& server, const Address& source,
         std::chrono::milliseconds patience = std::chrono::seconds(30));

  bool connected() const { return static_cast<bool>(fd_); }
  int fd() const { return fd_.get(); }
  bool send(std::string_view bytes);
  // The next response. `head`: it answers a HEAD request, so it has no body.
  Response receive(bool head = false);
  Response request(std::string_view method, std::string_view target,
                   std::string_view more_headers = "", std::string_view body = "");
  Response get(std::string_view target) { return request("GET", target); }
  // True if the server has closed and nothing more is to be read.
  bool at_end();
  void reset();  // closes with RST

 private:
  bool fill();

  UniqueFd fd_;
  std::string buffer_;
};

// One request on a connection of its own.
Response get(const Address& server, std::string_view target = "/");

}  // namespace roundhouse::test
