#include "cluster/member.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/address.h"
#include "base/check.h"
#include "base/log.h"

namespace roundhouse::membership {

using cluster::Worker;

namespace {

// For the primary's answer; its program may be busy.
constexpr Duration kAnswerWithin = std::chrono::seconds(60);

// What this process was given cannot be used: nothing of the library would work.
template <typename T>
T must(Result<T> result) {
  if (result) return *std::move(result);
  std::fprintf(stderr, "roundhouse: %s\n", result.error().message.c_str());
  std::_Exit(71);
}

bool asks_for_any_port(std::string_view address) {
  const auto parsed = Address::parse(address);
  return parsed && !parsed->is_unix() && parsed->port() == 0;
}

}  // namespace

ConnectionCount::~ConnectionCount() { member_.connection_closed(listener_); }

Member::Member(Runtime& runtime, Birth& birth)
    : runtime_(runtime),
      loop_(runtime.loop()),
      record_(std::make_shared<WorkerRecord>()),
      line_(loop_, *this),
      give_up_(loop_, [this] { finish(); }) {
  ::signal(SIGPIPE, SIG_IGN);
  log::configure(log::Level::kError, log::Format::kText);
  const Terms terms =
      must(Terms::parse(must(ipc::read_sealed_file(birth.heritage.configuration.get()))));
  slot_ =
      must(ipc::Shared<ipc::Slot>::open(std::move(birth.heritage.memory), ipc::Access::kReadWrite));
  record_->id = birth.id;
  record_->place = static_cast<int>(birth.heritage.worker_id);
  record_->pid = ::getpid();
  line_.open(ipc::Channel(std::move(birth.heritage.line)));
  native::ConnectionSink& sink = *this;
  source_ = std::make_unique<native::ConnectionSource>(
      loop_, std::move(birth.heritage), *slot_,
      native::SourceOptions{.worker_connections = terms.worker_connections,
                            .heartbeat = terms.heartbeat,
                            .drain = terms.drain},
      sink);
  source_->start();
}

Member::~Member() = default;

HttpService& Member::http() {
  if (http_ == nullptr)
    http_ = std::make_unique<HttpService>(
        loop_, *slot_, [this](std::uint32_t listener) { connection_closed(listener); });
  return *http_;
}

cluster::Result<cluster::Server> Member::listen(std::string_view address,
                                                const cluster::ListenOptions& options,
                                                Service service) {
  const std::string what = "listen on " + std::string(address);
  if (draining_ || !line_.is_open()) return refuse(ENOTCONN, what + ": this worker is leaving");
  ListenQuestion question{.backlog = options.backlog,
                          .turn = 0,
                          .unix_mode = options.unix_mode,
                          .only_v6 = options.only_v6,
                          .client_speaks_first = options.client_speaks_first,
                          .is_http = static_cast<bool>(service.on_request),
                          .reserved = 0,
                          .address = {}};
  if (address.size() >= sizeof question.address || address.find('\0') != address.npos)
    return refuse(EINVAL, what + ": that is no address");
  address.copy(question.address, address.size());
  if (asks_for_any_port(address)) question.turn = free_turn(address);
  auto answer = ask(question);
  if (!answer) return std::unexpected(answer.error());
  if (answer->error != 0) return refuse(answer->error, answer->text);
  if (answer->listener >= listens_.size()) return refuse(EPROTO, what + ": the primary is odd");
  start_serving(question, *answer, std::move(service));
  return cluster::Server(listens_[answer->listener]);
}

// The lowest that no open one of this worker has. So a server that is opened anew shares its port
// with those of the other workers again, and a listen that failed puts nothing out of step.
std::uint32_t Member::free_turn(std::string_view address) const {
  std::uint32_t turn = 0;
  const auto has_it = [&](const std::shared_ptr<ListenRecord>& record) {
    return record != nullptr && !record->closed && record->asked == address && record->turn == turn;
  };
  while (std::ranges::any_of(listens_, has_it)) ++turn;
  return turn;
}

// Its other words are heard meanwhile, and told later.
cluster::Result<ListenAnswer> Member::ask(const ListenQuestion& question) {
  const std::string what = std::string("listen on ") + question.address;
  answer_.reset();
  answered_fd_.reset();
  const int error = line_.send_struct({LineKind::kListen, ++questions_}, question);
  if (error != 0) return std::unexpected(to_public(fail_errno(what, error).error()));
  const Time deadline = Clock::now() + kAnswerWithin;
  while (!answer_) {
    if (line_.wait(deadline)) continue;
    if (answer_) break;
    return line_.is_open() ? refuse(ETIMEDOUT, what + ": the primary does not answer")
                           : refuse(ENOTCONN, what + ": the primary is gone");
  }
  return *answer_;
}

void Member::start_serving(const ListenQuestion& question, const ListenAnswer& answer,
                           Service service) {
  auto record = std::make_shared<ListenRecord>();
  record->listener = answer.listener;
  record->listening = listening_at(answer.text);
  record->asked = question.address;
  record->turn = question.turn;
  record->on_connection = std::move(service.on_connection);
  if (service.on_request)
    http().serve(answer.listener, std::move(service.on_request), service.http);
  listens_[answer.listener] = std::move(record);
  if (answered_fd_) source_->add_listener(answer.listener, std::move(answered_fd_));
  line_.send({LineKind::kListening, answer.listener});
}

void Member::close(ListenRecord& record) {
  if (std::exchange(record.closed, true)) return;
  line_.send({LineKind::kClose, record.listener});
  // Not now: it may be accepting there.
  loop_.defer([this, listener = record.listener] { source_->remove_listener(listener); });
}

cluster::Result<void> Member::send(std::string_view bytes, int descriptor) {
  const int error =
      line_.send({LineKind::kMessage, 0}, std::as_bytes(std::span(bytes)), descriptor);
  if (error == 0) return {};
  return std::unexpected(to_public(fail_errno("send to the primary", error).error()));
}

cluster::Result<void> Member::disconnect() {
  if (finished_ || !line_.is_open()) return refuse(ENOTCONN, "disconnect: the primary is gone");
  if (std::exchange(record_->leaving, true)) return {};
  // The primary asks for it in its turn: first it gives nothing more.
  line_.send({LineKind::kLeave, static_cast<std::uint32_t>(Leaving::kDisconnect)});
  return {};
}

void Member::leave_now() {
  record_->leaving = true;
  line_.send({LineKind::kLeave, static_cast<std::uint32_t>(Leaving::kExit)});
  std::exit(0);
}

void Member::run() {
  if (!finished_) loop_.run();
}

void Member::on_connection(UniqueFd fd, const ipc::ConnectionInfo& info) {
  const auto& record = info.listener < listens_.size() ? listens_[info.listener] : nullptr;
  if (record == nullptr) return source_->connection_closed(info.listener);
  if (!record->on_connection) return http().take(std::move(fd), info);
  ++raw_open_;
  cluster::Connection connection(fd.release(), peer_text(info),
                                 std::make_shared<ConnectionCount>(*this, info.listener));
  call_out(record->on_connection, std::move(connection));
}

void Member::connection_closed(std::uint32_t listener) {
  const auto& record = listens_[listener];
  if (record != nullptr && record->on_connection) --raw_open_;
  if (finished_) return;
  source_->connection_closed(listener);
  leave_if_done();
}

void Member::on_drain(const ipc::DrainTerms& terms) {
  if (draining_) return;
  draining_ = true;
  record_->leaving = record_->leaving || line_.is_open();
  for (const auto& record : listens_) {
    if (record != nullptr) record->closed = true;
  }
  if (http_ != nullptr) http_->drain();
  give_up_.start_once(terms.deadline - loop_.now());
  runtime_.emit([this] { runtime_.events().draining.call(); });
  leave_if_done();
}

// At the end of the turn, behind what the program does when it is told; what is found in the
// channel then is served still.
void Member::leave_if_done() {
  if (!draining_ || leaving_ || finished_) return;
  leaving_ = true;
  loop_.defer([this] {
    leaving_ = false;
    const bool found = source_->take_rest();
    const bool none_open = raw_open_ == 0 && (http_ == nullptr || http_->open_connections() == 0);
    if (!found && none_open) finish();
  });
}

void Member::finish() {
  if (std::exchange(finished_, true)) return;
  give_up_.stop();
  line_.close();
  source_->stop();
  if (http_ != nullptr) http_->stop();
  on_line_closed();
  loop_.defer([this] { loop_.stop(); });  // behind what was told before
}

void Member::on_packet(LineHeader header, std::span<const std::byte> content, UniqueFd descriptor) {
  if (header.kind == LineKind::kAnswer && header.number == questions_ && !answer_) {
    if (const auto* answer = content_as<ListenAnswer>(content)) {
      answer_ = *answer;
      answer_->text[sizeof answer_->text - 1] = '\0';
      answered_fd_ = std::move(descriptor);
    }
  } else if (header.kind == LineKind::kMessage) {
    std::string bytes(reinterpret_cast<const char*>(content.data()), content.size());
    auto fd = std::make_shared<UniqueFd>(std::move(descriptor));
    runtime_.emit(
        [this, bytes = std::move(bytes), fd] { deliver(runtime_.events(), self(), bytes, *fd); });
  }
}

// The native channel has ended too, and says the same.
void Member::on_line_closed() {
  if (!std::exchange(record_->connected, false)) return;
  runtime_.emit([this] { runtime_.events().disconnect.call(self()); });
}

}  // namespace roundhouse::membership
