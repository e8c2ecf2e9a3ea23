#include "edge/program_handle.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "edge/listening_ports.h"
#include "edge/private_sockets.h"
#include "ipc/private_address.h"
#include "net/listener.h"

namespace roundhouse::edge {
namespace {

constexpr Duration kLookEvery = std::chrono::milliseconds(20);
// A program that listens on nothing of ours by then is looked at: perhaps it listens elsewhere. If
// it listens nowhere yet, again when it is twice as old.
constexpr Duration kShouldListen = std::chrono::seconds(2);
// Of a pool one is looked at in this time: what it costs does not add up.
constexpr Duration kBetweenSearches = std::chrono::seconds(1);
constexpr int kBacklog = 1024;
constexpr int kNoticesPerTurn = 8;
constexpr std::size_t kNoticeMax = 4096;

bool says(std::string_view notice, std::string_view line) {
  for (std::size_t at = 0; at <= notice.size();) {
    const std::size_t end = std::min(notice.find('\n', at), notice.size());
    if (notice.substr(at, end - at) == line) return true;
    at = end + 1;
  }
  return false;
}

}  // namespace

ProgramHandle::ProgramHandle(EventLoop& loop, std::size_t place, Listener& listener,
                             ipc::Shared<ipc::Slot> slot, Setting setting)
    : WorkerHandle(place, listener, std::move(slot)),
      loop_(loop),
      setting_(std::move(setting)),
      timer_(loop, [this] { look(); }),
      drain_(loop, setting_.requests_in_flight,
             [this] { signal(config::number_of(setting_.options.stop_signal)); }) {}

std::string ProgramHandle::path(const char* suffix) const {
  return setting_.folder + "/" + std::to_string(place() + 1) + suffix;
}

Result<WorkerHandle::Inheritance> ProgramHandle::prepare(ipc::Bequest bequest, Time now) {
  Inheritance given;
  if (setting_.options.type == config::PoolType::kListenFds)
    TRY_VOID(give_sockets(bequest.listeners, given));
  else
    TRY_VOID(give_address(given));
  const config::ReadyBy by = setting_.options.ready.by;
  if (by == config::ReadyBy::kAuto || by == config::ReadyBy::kNotify)
    TRY_VOID(listen_for_notices(given));
  stage_ = Stage::kStarting;
  started_ = now;
  search_at_ = now + kShouldListen;
  // Whoever is waited for says so: the program, or of one whose socket we hold the monitor.
  const bool is_told =
      by == config::ReadyBy::kNotify || (by == config::ReadyBy::kHttp && !is_on_its_own());
  if (!is_told) timer_.start_periodic(kLookEvery);
  return given;
}

Result<void> ProgramHandle::give_sockets(const std::vector<ipc::InheritedListener>& sockets,
                                         Inheritance& given) {
  std::string names = setting_.socket_names;
  for (const ipc::InheritedListener& socket : sockets) given.descriptors.push_back(socket.fd);
  if (setting_.proxied) {
    if (!private_socket_ && is_unix()) {
      private_socket_ = TRY(bind_private(path(".sock"), SOCK_STREAM, kBacklog));
    } else if (!private_socket_) {
      ListeningSocket bound = TRY(listen_on(Address::loopback(0), {.backlog = kBacklog}));
      set_blocking(bound.fd.get());
      private_socket_ = std::move(bound.fd);
      setting_.row.port.store(bound.address.port());
    }
    given.descriptors.push_back(private_socket_.get());
    names += (names.empty() ? "" : ":") + std::string("private");
  }
  given.told_its_pid = true;
  given.environment = {"LISTEN_FDS=" + std::to_string(given.descriptors.size()),
                       "LISTEN_FDNAMES=" + names};
  return {};
}

Result<void> ProgramHandle::give_address(Inheritance& given) {
  attempt_.reset();
  if (is_unix()) {
    ::unlink(path(".sock").c_str());
    given.environment = {"SOCKET=" + path(".sock")};
    return {};
  }
  const std::uint16_t port = TRY(free_port());
  setting_.row.port.store(port);
  given.environment = {"PORT=" + std::to_string(port)};
  return {};
}

Result<void> ProgramHandle::listen_for_notices(Inheritance& given) {
  watcher_.stop();
  notices_ = TRY(bind_private(path(".notify"), SOCK_DGRAM, 0));
  watcher_.watch(loop_, notices_.get(), Interest::kRead, Trigger::kLevel, *this);
  given.environment.push_back("NOTIFY_SOCKET=" + path(".notify"));
  return {};
}

void ProgramHandle::on_ready(Ready /*ready*/) {
  for (int i = 0; i < kNoticesPerTurn; ++i) {
    std::array<char, kNoticeMax> buffer;
    const ssize_t size = ::recv(notices_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0) return;
    const std::string_view notice(buffer.data(), static_cast<std::size_t>(size));
    if (says(notice, "READY=1") && stage_ == Stage::kStarting) become_ready();
    if (says(notice, "STOPPING=1") && stage_ == Stage::kReady)
      listener().on_draining_notice(place());
  }
}

void ProgramHandle::look() {
  const Time now = loop_.now();
  if (pid() == 0) return;
  if (seems_ready(now)) return become_ready();
  tell_of_other_ports(now);
}

bool ProgramHandle::seems_ready(Time now) {
  switch (setting_.options.ready.by) {
    case config::ReadyBy::kNotify:
      return false;
    case config::ReadyBy::kConnect:
      return connects();
    case config::ReadyBy::kHttp:
      if (connects()) accepts();
      return false;
    case config::ReadyBy::kAuto:
    case config::ReadyBy::kSettle:
      return now - started_ >= setting_.options.ready.settle;
  }
  return false;
}

bool ProgramHandle::connects() {
  const Address address = ipc::private_address(setting_.header, setting_.row, setting_.options.name,
                                               static_cast<std::uint32_t>(place() + 1));
  return try_to_connect(address, attempt_) == 0;
}

// Only while it is not ready: it may well have its reasons to listen elsewhere too.
void ProgramHandle::tell_of_other_ports(Time now) {
  const config::ReadyBy by = setting_.options.ready.by;
  const bool connected_to = by == config::ReadyBy::kConnect || by == config::ReadyBy::kHttp;
  if (!is_on_its_own() || !connected_to || now < search_at_ || now < setting_.next_search) return;
  setting_.next_search = now + kBetweenSearches;
  search_at_ = now + (now - started_);
  const std::string ports = ports_of(pid());
  if (ports.empty()) return;
  search_at_ = Time::max();
  const std::uint32_t port = setting_.row.port.load();
  log::warn("worker_listens_elsewhere",
            "worker " + setting_.options.name + "/" + std::to_string(setting_.id) + " listens on " +
                ports + " itself, not on what it was given: " +
                (port != 0 ? "$PORT, which is " + std::to_string(port) : std::string("$SOCKET")),
            {{"pool", setting_.options.name}, {"worker", setting_.id}, {"pid", pid()}});
}

// Whether it is ready the monitor asks it now.
void ProgramHandle::accepts() {
  timer_.stop();
  search_at_ = Time::max();
  let_proxies_in();
}

void ProgramHandle::let_proxies_in() {
  if (is_unix() && is_on_its_own()) let_everyone_in(path(".sock"));  // whom the folder lets in
}

void ProgramHandle::answered_probe() {
  if (stage_ == Stage::kStarting && setting_.options.ready.by == config::ReadyBy::kHttp)
    become_ready();
}

void ProgramHandle::become_ready() {
  stage_ = Stage::kReady;
  timer_.stop();
  let_proxies_in();
  listener().on_ready_notice(place());
}

void ProgramHandle::ask_to_drain(const ipc::DrainTerms& terms) {
  stage_ = Stage::kLeaving;
  timer_.stop();
  if (setting_.proxied) return drain_.start(terms.deadline);
  signal(config::number_of(setting_.options.stop_signal));
}

void ProgramHandle::ended() {
  stage_ = Stage::kNone;
  timer_.stop();
  drain_.stop();
  watcher_.stop();
  attempt_.reset();
  notices_.reset();
  WorkerHandle::ended();
}

}  // namespace roundhouse::edge
