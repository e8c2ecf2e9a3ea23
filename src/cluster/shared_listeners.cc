#include "cluster/shared_listeners.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>

namespace roundhouse::membership {
namespace {

// A client that sends nothing is accepted nevertheless after about so long.
constexpr Duration kDefer = std::chrono::seconds(1);
constexpr int kBacklogMax = 65535;

Result<Address> parse(std::string text, const std::string& folder) {
  constexpr std::string_view kUnix = "unix:";
  const bool relative = text.starts_with(kUnix) && !text.starts_with("unix:/");
  if (relative && !folder.empty()) text.insert(kUnix.size(), folder + "/");
  auto address = Address::parse(text);
  if (!address) {
    Error error = address.error();
    error.message = "listen on " + text + ": " + error.message;
    error.system_errno = EINVAL;
    return std::unexpected(std::move(error));
  }
  return address;
}

Error failure(int number, const std::string& what) { return fail_errno(what, number).error(); }

}  // namespace

SharedListeners::Answer SharedListeners::ask(std::size_t place, const ListenQuestion& question,
                                             const std::string& folder) {
  Answer answer{};
  const auto found = find_or_open(place, question, folder);
  ListenAnswer& said = answer.answer;
  if (!found) {
    said.error = found.error().system_errno != 0 ? found.error().system_errno : EINVAL;
    std::snprintf(said.text, sizeof said.text, "%s", found.error().message.c_str());
    return answer;
  }
  const Entry& entry = entries_[*found];
  said.listener = *found;
  std::snprintf(said.text, sizeof said.text, "%s", entry.address.c_str());
  if (pool_.options().policy == config::Policy::kNone) answer.descriptor = entry.fd;
  return answer;
}

Result<std::uint32_t> SharedListeners::find_or_open(std::size_t place,
                                                    const ListenQuestion& question,
                                                    const std::string& folder) {
  const Address address = TRY(parse(question.address, folder));
  std::string key = address.to_string();
  if (!address.is_unix() && address.port() == 0) key += "#" + std::to_string(question.turn);
  if (question.only_v6 != 0) key += "#v6";
  const auto entry = std::ranges::find_if(entries_, [&](const Entry& e) {
    return e.acceptor != nullptr && (e.key == key || e.address == key);
  });
  if (entry == entries_.end()) {
    const std::uint32_t opened = TRY(open(std::move(key), address, question));
    entries_[opened].places.push_back(place);
    return opened;
  }
  if (std::ranges::find(entry->places, place) != entry->places.end())
    return std::unexpected(
        failure(EADDRINUSE, "listen on " + key + ": this worker listens there already"));
  entry->places.push_back(place);
  return static_cast<std::uint32_t>(entry - entries_.begin());
}

// In rotation, and a number is free when its last connection has ended: one that is still on its
// way to a worker must not come out of another listener.
std::optional<std::uint32_t> SharedListeners::free_number() {
  for (std::size_t step = 1; step <= entries_.size(); ++step) {
    const std::size_t index = (last_opened_ + step) % entries_.size();
    const auto number = static_cast<std::uint32_t>(index);
    if (entries_[index].acceptor == nullptr && pool_.open_at_workers(number) == 0) return number;
  }
  return std::nullopt;
}

Result<std::uint32_t> SharedListeners::open(std::string key, const Address& address,
                                            const ListenQuestion& question) {
  const std::optional<std::uint32_t> number = free_number();
  if (!number) return std::unexpected(failure(ENOSPC, "listen on " + key + ": too many listeners"));
  const std::uint32_t index = *number;
  const bool defer = question.client_speaks_first != 0;
  edge::Acceptor::Sockets sockets;
  sockets.own.push_back(
      TRY(listen_on(address, {.backlog = std::clamp(question.backlog, 1, kBacklogMax),
                              .defer = defer ? kDefer : Duration::zero(),
                              .unix_mode = question.unix_mode,
                              .only_v6 = question.only_v6 != 0})));
  last_opened_ = index;
  Entry& entry = entries_[index];
  entry.key = std::move(key);
  entry.address = sockets.first().address.to_string();
  entry.unix_path = address.is_unix() ? std::string(address.unix_path()) : "";
  entry.fd = sockets.first().fd.get();
  config::Listener options;
  options.name = entry.address;
  options.pool = pool_.options().name;
  options.protocol = question.is_http != 0 ? config::Protocol::kHttp : config::Protocol::kTcp;
  options.max_connections = std::numeric_limits<std::uint32_t>::max();  // the workers' limits hold
  ipc::ListenerRow& row = board_.listener(index);
  std::snprintf(row.addresses, sizeof row.addresses, "%s", entry.address.c_str());
  entry.acceptor = std::make_unique<edge::Acceptor>(loop_, options, index, std::move(sockets),
                                                    pool_, row, connections_);
  entry.acceptor->start();
  return index;
}

std::string SharedListeners::listening(std::size_t place, std::uint32_t listener) {
  if (listener >= entries_.size()) return "";
  const Entry& entry = entries_[listener];
  const bool shares = std::ranges::find(entry.places, place) != entry.places.end();
  return entry.acceptor != nullptr && shares ? entry.address : "";
}

void SharedListeners::closed(std::size_t place, std::uint32_t listener) {
  if (listener < entries_.size()) forget(entries_[listener], place);
}

void SharedListeners::forget(Entry& entry, std::size_t place) {
  if (std::erase(entry.places, place) != 0 && entry.places.empty()) close(entry);
}

void SharedListeners::leaving(std::size_t place) {
  for (Entry& entry : entries_) {
    if (entry.acceptor != nullptr && entry.places == std::vector{place}) close(entry);
  }
}

void SharedListeners::gone(std::size_t place, bool left) {
  for (Entry& entry : entries_) {
    if (left)
      forget(entry, place);
    else
      std::erase(entry.places, place);
  }
}

void SharedListeners::resume() {
  for (Entry& entry : entries_) {
    if (entry.acceptor != nullptr) entry.acceptor->resume();
  }
}

void SharedListeners::close_all() {
  for (Entry& entry : entries_) close(entry);
}

void SharedListeners::close(Entry& entry) {
  if (entry.acceptor == nullptr) return;
  entry.acceptor->close();
  if (!entry.unix_path.empty()) ::unlink(entry.unix_path.c_str());
  entry = Entry();
}

}  // namespace roundhouse::membership
