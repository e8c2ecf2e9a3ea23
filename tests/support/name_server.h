// A name server that answers as a test says, over UDP and TCP on one port of 127.0.0.1.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/address.h"
#include "base/unique_fd.h"

namespace roundhouse::test {

// What it has no records of does not exist (NXDOMAIN). What does not fit into 512 bytes is cut over
// UDP and whole over TCP.
class NameServer {
 public:
  struct Service {
    std::uint16_t priority;
    std::uint16_t weight;
    std::uint16_t port;
    std::string target;
  };
  enum class Mood : std::uint8_t {
    kAnswers,
    kSilent,
    kRefuses,  // SERVFAIL
    kGarbage   // bytes that are no answer
  };

  NameServer();
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;
  ~NameServer();

  const Address& address() const { return address_; }
  // `resolver: {servers: ...}` of a configuration file.
  std::string resolver() const;

  // IPv4 and IPv6 addresses of a name; none: it exists and has no addresses.
  void set(const std::string& name, const std::vector<std::string>& addresses,
           std::uint32_t ttl = 1);
  void set_services(const std::string& name, const std::vector<Service>& services,
                    std::uint32_t ttl = 1);
  void forget(const std::string& name);
  void be(Mood mood);
  // Before each answer one comes that somebody else might have sent: it says this address, and has
  // the wrong id, or a question that nobody asked.
  void forge(const std::string& address);

  std::size_t asked(const std::string& name) const;
  std::size_t asked_over_tcp() const;

 private:
  struct Records {
    std::vector<std::string> v4;  // the data of each record
    std::vector<std::string> v6;
    std::vector<std::string> services;
    std::uint32_t ttl = 1;
  };
  struct Question {
    std::string name;
    std::uint16_t type = 0;
    std::string bytes;  // of the question section
  };

  void serve();
  void serve_udp();
  void serve_tcp();
  static Question question_of(std::string_view query);
  // Empty: says nothing.
  std::string answer(std::string_view query, std::size_t most);
  static std::string message(std::uint16_t id, const Question& question, std::uint16_t flags,
                             const std::vector<std::string>& records, std::uint32_t ttl);

  Address address_;
  UniqueFd udp_;
  UniqueFd tcp_;
  UniqueFd stop_;  // readable: the thread is to end
  std::thread thread_;
  mutable std::mutex mutex_;  // of what follows
  std::map<std::string, Records> names_;
  std::map<std::string, std::size_t> asked_;
  std::size_t over_tcp_ = 0;
  Mood mood_ = Mood::kAnswers;
  std::string forged_;  // data of an A record; empty: nothing is
};

}  // namespace roundhouse::test
