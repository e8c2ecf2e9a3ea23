#include "monitor/dns_client.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <sys/socket.h>

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

#include "config/values.h"
#include "monitor/dns_message.h"

namespace roundhouse::monitor {
namespace {

constexpr int kTries = 2;  // of each server

ipc::Resolution result_of(int status) {
  if (status == ARES_SUCCESS) return ipc::Resolution::kAnswered;
  if (status == ARES_ENOTFOUND || status == ARES_ENODATA) return ipc::Resolution::kNegative;
  return ipc::Resolution::kFailed;
}

std::string why_of(int status) {
  if (status == ARES_ENOTFOUND) return "there is no such name";
  if (status == ARES_ENODATA) return "the name has no such records";
  return ares_strerror(status);
}

AddressAnswer answer_of(const ares_addrinfo& found) {
  AddressAnswer answer{.result = ipc::Resolution::kAnswered};
  int ttl = std::numeric_limits<int>::max();
  for (const ares_addrinfo_node* node = found.nodes; node != nullptr; node = node->ai_next) {
    if (node->ai_family != AF_INET && node->ai_family != AF_INET6) continue;
    answer.addresses.push_back(Address(node->ai_addr, node->ai_addrlen).with_port(0));
    ttl = std::min(ttl, node->ai_ttl);
  }
  for (const ares_addrinfo_cname* alias = found.cnames; alias != nullptr; alias = alias->next)
    ttl = std::min(ttl, alias->ttl);
  answer.ttl = std::chrono::seconds(std::max(ttl, 0));
  if (answer.addresses.empty()) {
    answer.result = ipc::Resolution::kNegative;
    answer.why = why_of(ARES_ENODATA);
  }
  return answer;
}

ServiceAnswer answer_of(const ares_srv_reply* reply, std::span<const unsigned char> message) {
  ServiceAnswer answer{.result = ipc::Resolution::kAnswered};
  for (; reply != nullptr; reply = reply->next)
    answer.records.push_back({reply->host, reply->priority, reply->weight, reply->port});
  answer.ttl = std::chrono::seconds(smallest_ttl(message).value_or(0));
  return answer;
}

// What c-ares carries for us, counted as long as it lives: to the end of its answer, so that the
// channel is not opened anew by what that asks.
template <typename Answer>
class Query {
 public:
  Query(std::size_t& asked, std::function<void(Answer)> done)
      : asked_(asked), done_(std::move(done)) {
    ++asked_;
  }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  ~Query() { --asked_; }

  static std::unique_ptr<Query> take(void* pointer) {
    return std::unique_ptr<Query>(static_cast<Query*>(pointer));
  }
  // Nobody waits any more when the channel is destroyed.
  void answer(int status, Answer answer) {
    if (status != ARES_EDESTRUCTION) done_(std::move(answer));
  }

 private:
  std::size_t& asked_;
  std::function<void(Answer)> done_;
};

void addresses_came(void* pointer, int status, int /*timeouts*/, ares_addrinfo* found) noexcept {
  const auto query = Query<AddressAnswer>::take(pointer);
  AddressAnswer answer{.result = result_of(status), .why = why_of(status)};
  if (status == ARES_SUCCESS) answer = answer_of(*found);
  if (found != nullptr) ares_freeaddrinfo(found);
  query->answer(status, std::move(answer));
}

void services_came(void* pointer, int status, int /*timeouts*/, unsigned char* message,
                   int size) noexcept {
  const auto query = Query<ServiceAnswer>::take(pointer);
  ares_srv_reply* reply = nullptr;
  if (status == ARES_SUCCESS) status = ares_parse_srv_reply(message, size, &reply);
  ServiceAnswer answer{.result = result_of(status), .why = why_of(status)};
  if (status == ARES_SUCCESS) answer = answer_of(reply, {message, static_cast<std::size_t>(size)});
  if (reply != nullptr) ares_free_data(reply);
  query->answer(status, std::move(answer));
}

}  // namespace

struct DnsClient::Socket final : IoHandler {
  Socket(DnsClient& client, int fd) : client(client), fd(fd) {}
  void on_ready(Ready ready) override {
    client.process(ready.readable ? fd : ARES_SOCKET_BAD, ready.writable ? fd : ARES_SOCKET_BAD);
  }

  DnsClient& client;
  int fd;
  IoWatcher watcher;
};

void DnsClient::Destroy::operator()(ares_channeldata* channel) const { ares_destroy(channel); }

Result<std::unique_ptr<DnsClient>> DnsClient::create(EventLoop& loop,
                                                     const config::Resolver& config,
                                                     Duration settings_age) {
  std::unique_ptr<DnsClient> client(new DnsClient(loop, config, settings_age));
  TRY_VOID(client->open());
  return client;
}

DnsClient::DnsClient(EventLoop& loop, const config::Resolver& config, Duration settings_age)
    : loop_(loop),
      config_(config),
      settings_age_(settings_age),
      timer_(loop, [this] { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); }) {}

DnsClient::~DnsClient() = default;

Result<void> DnsClient::open() {
  const auto failed = [](int status) {
    return fail("the resolver: " + std::string(ares_strerror(status)), ExitCode::kSystem);
  };
  ares_options options{};
  options.timeout = static_cast<int>(
      std::chrono::duration_cast<std::chrono::milliseconds>(config_.timeout).count());
  options.tries = kTries;
  options.sock_state_cb = &DnsClient::socket_changed;
  options.sock_state_cb_data = this;
  ares_channel channel = nullptr;
  const int status = ares_init_options(
      &channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
  if (status != ARES_SUCCESS) return failed(status);
  channel_.reset(channel);
  opened_ = loop_.now();
  std::string servers;
  for (const std::string& server : config_.servers) {
    const auto address = config::parse_name_server(server);
    if (!address) return fail("resolver.servers: " + address.error(), ExitCode::kConfiguration);
    servers += (servers.empty() ? "" : ",") + address->to_string();
  }
  if (servers.empty()) return {};
  const int set = ares_set_servers_ports_csv(channel, servers.c_str());
  if (set != ARES_SUCCESS) return failed(set);
  return {};
}

// The channel reads /etc/resolv.conf once; if it cannot now, what it read before still holds.
void DnsClient::open_anew_if_idle() {
  if (asked_ != 0 || loop_.now() - opened_ < settings_age_) return;
  auto before = std::move(channel_);
  if (!open()) channel_ = std::move(before);
}

void DnsClient::addresses(const std::string& name, std::function<void(AddressAnswer)> done) {
  open_anew_if_idle();
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_NOSORT;
  ares_getaddrinfo(channel_.get(), name.c_str(), nullptr, &hints, &addresses_came,
                   new Query<AddressAnswer>(asked_, std::move(done)));
  set_timer();
}

void DnsClient::services(const std::string& name, std::function<void(ServiceAnswer)> done) {
  open_anew_if_idle();
  ares_search(channel_.get(), name.c_str(), ns_c_in, ns_t_srv, &services_came,
              new Query<ServiceAnswer>(asked_, std::move(done)));
  set_timer();
}

void DnsClient::process(int readable, int writable) {
  ares_process_fd(channel_.get(), readable, writable);
  set_timer();
}

void DnsClient::set_timer() {
  timeval storage{};
  const timeval* wait = ares_timeout(channel_.get(), nullptr, &storage);
  if (wait == nullptr) {
    timer_.stop();
    return;
  }
  timer_.start_once(std::chrono::seconds(wait->tv_sec) + std::chrono::microseconds(wait->tv_usec));
}

void DnsClient::socket_changed(void* self, int fd, int read, int write) noexcept {
  static_cast<DnsClient*>(self)->watch(fd, read != 0, write != 0);
}

// Neither: the socket is about to be closed.
void DnsClient::watch(int fd, bool read, bool write) {
  auto socket = std::ranges::find_if(sockets_, [fd](const auto& s) { return s->fd == fd; });
  if (!read && !write) {
    if (socket == sockets_.end()) return;
    (*socket)->watcher.stop();
    loop_.delete_later(std::move(*socket));
    sockets_.erase(socket);
    return;
  }
  if (socket == sockets_.end())
    socket = sockets_.insert(socket, std::make_unique<Socket>(*this, fd));
  const Interest interest = read && write ? Interest::kReadWrite
                            : read        ? Interest::kRead
                                          : Interest::kWrite;
  (*socket)->watcher.watch(loop_, fd, interest, Trigger::kLevel, **socket);
}

}  // namespace roundhouse::monitor
