// Asks name servers. The one door to c-ares.
//
// c-ares checks what it gets: the id, the question and the sender must be those of the query, ids
// and ports are random, and an answer that was cut is asked for again over TCP. Beside that,
// /etc/hosts and the search domains of /etc/resolv.conf count, as they do for every program.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "config/options.h"
#include "ipc/endpoint_board.h"
#include "monitor/discovery.h"
#include "net/event_loop.h"

struct ares_channeldata;

namespace roundhouse::monitor {

struct AddressAnswer {
  ipc::Resolution result = ipc::Resolution::kFailed;
  std::vector<Address> addresses;  // A and AAAA; port 0
  Duration ttl{};
  std::string why;  // unless answered
};

struct ServiceAnswer {
  ipc::Resolution result = ipc::Resolution::kFailed;
  std::vector<ServiceRecord> records;
  Duration ttl{};
  std::string why;
};

// Never blocks: its sockets are watched by the loop. What is asked when it is destroyed is not
// answered.
class DnsClient {
 public:
  // How old the system's settings may be: they change where networks come and go.
  static constexpr Duration kSettingsAge = std::chrono::seconds(30);

  static Result<std::unique_ptr<DnsClient>> create(EventLoop& loop, const config::Resolver& config,
                                                   Duration settings_age = kSettingsAge);
  DnsClient(const DnsClient&) = delete;
  DnsClient& operator=(const DnsClient&) = delete;
  ~DnsClient();

  // Each is answered once, perhaps inside the call.
  void addresses(const std::string& name, std::function<void(AddressAnswer)> done);
  void services(const std::string& name, std::function<void(ServiceAnswer)> done);

 private:
  struct Socket;
  struct Destroy {
    void operator()(ares_channeldata* channel) const;
  };

  DnsClient(EventLoop& loop, const config::Resolver& config, Duration settings_age);
  Result<void> open();
  void open_anew_if_idle();
  void process(int readable, int writable);
  void watch(int fd, bool read, bool write);
  void set_timer();
  static void socket_changed(void* self, int fd, int read, int write) noexcept;

  EventLoop& loop_;
  const config::Resolver config_;
  const Duration settings_age_;
  std::vector<std::unique_ptr<Socket>> sockets_;
  Timer timer_;
  std::size_t asked_ = 0;  // and not answered
  Time opened_{};
  std::unique_ptr<ares_channeldata, Destroy> channel_;  // goes first: it closes its sockets
};

}  // namespace roundhouse::monitor
