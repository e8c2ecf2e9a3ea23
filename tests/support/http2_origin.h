// An HTTP/2 server for tests, in plain text, that does as its script says.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/address.h"
#include "base/unique_fd.h"
#include "http/http2_codec.h"

namespace roundhouse::test {

class Http2Origin {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;
  enum class Then : std::uint8_t {
    kKeep,
    kGoAway,  // the last request of its connection
    kClose,   // of the connection, as soon as the answer is sent
  };
  struct Seen {
    std::string method;
    std::string path;
    std::string scheme;
    std::string authority;
    std::map<std::string, std::string> headers;
    std::string body;
    std::map<std::string, std::string> trailers;
    std::size_t connection = 0;  // from 1
    std::size_t number = 0;      // of the requests of that, from 1
  };
  struct Reply {
    int status = 200;  // 0: none is sent
    Fields headers = {};
    std::string body = {};
    Fields trailers = {};
    std::vector<int> interim = {};
    http::Http2Error reset = http::Http2Error::kNone;  // behind what else is sent
    Then then = Then::kKeep;
    std::string raw = {};  // sent first, past all rules
  };
  using Script = std::function<Reply(const Seen&)>;
  struct Options {
    http::Http2Limits limits = {};
    bool at_head = false;                 // the script is asked before the body has come
    std::size_t takes = ~std::size_t{0};  // bytes of a body; then its window stays shut
  };

  // On a free port of 127.0.0.1. The script runs on threads of the origin.
  explicit Http2Origin(Script script) : Http2Origin(std::move(script), Options{}) {}
  Http2Origin(Script script, const Options& options);
  Http2Origin(const Http2Origin&) = delete;
  Http2Origin& operator=(const Http2Origin&) = delete;
  ~Http2Origin();

  const Address& address() const { return address_; }
  std::vector<Seen> seen() const;
  std::size_t connections() const { return connections_; }
  // The most streams that were open at once on one connection.
  std::size_t most_streams() const { return most_streams_; }
  // Streams that the other side has reset.
  std::size_t resets() const { return resets_; }

 private:
  struct Stream;
  class Connection;
  void accept_all();

  Script script_;
  Options options_;
  Address address_;
  UniqueFd listening_;
  UniqueFd stop_;
  std::thread acceptor_;
  mutable std::mutex mutex_;  // of what follows
  std::vector<Seen> seen_;
  std::vector<std::thread> threads_;
  std::atomic<std::size_t> connections_{0};
  std::atomic<std::size_t> most_streams_{0};
  std::atomic<std::size_t> resets_{0};
};

}  // namespace roundhouse::test
