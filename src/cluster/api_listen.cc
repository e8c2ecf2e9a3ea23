// The functions of <roundhouse/listen.h> and http.h.
#include <roundhouse/http.h>
#include <unistd.h>

#include <cerrno>

#include "base/check.h"
#include "cluster/birth.h"
#include "cluster/http_reply.h"
#include "cluster/member.h"
#include "cluster/records.h"
#include "cluster/runtime.h"

namespace roundhouse::cluster {

using membership::Runtime;

namespace {

Result<Server> listen_with(std::string_view address, const ListenOptions& options,
                           membership::Member::Service service) {
  if (is_primary()) return membership::refuse(EPERM, "listen belongs to workers");
  return Runtime::get().member().listen(address, options, std::move(service));
}

}  // namespace

Result<Server> listen(std::string_view address, std::function<void(Connection)> on_connection,
                      const ListenOptions& options) {
  CHECK(on_connection);
  return listen_with(address, options, {.on_connection = std::move(on_connection)});
}

const Listening& Server::listening() const {
  static const Listening nowhere;
  return record_ == nullptr ? nowhere : record_->listening;
}

void Server::close() const {
  if (record_ != nullptr) Runtime::get().member().close(*record_);
}

Connection::Connection(int fd, std::string peer, std::shared_ptr<membership::ConnectionCount> count)
    : fd_(fd), peer_(std::move(peer)), count_(std::move(count)) {}
Connection::~Connection() { end(); }
Connection::Connection(Connection&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      peer_(std::move(other.peer_)),
      count_(std::move(other.count_)) {}
Connection& Connection::operator=(Connection&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(peer_, other.peer_);
  std::swap(count_, other.count_);
  return *this;
}

void Connection::end() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  count_ = nullptr;
}

int Connection::release() {
  count_ = nullptr;
  return std::exchange(fd_, -1);
}

namespace http {

std::string_view Request::method() const { return question_.client().request().method_name; }
std::string_view Request::target() const { return question_.client().request().target; }
std::string_view Request::path() const { return question_.client().request().path; }
std::string_view Request::query() const {
  return question_.client().request().query.value_or(std::string_view());
}
std::optional<std::string_view> Request::header(std::string_view name) const {
  return question_.client().request().fields.find(name);
}
std::string_view Request::body() const { return question_.body(); }
std::string_view Request::peer() const { return question_.peer(); }

Response::~Response() {
  if (reply_ != nullptr) reply_->abandon();
}
Response& Response::status(int status) {
  if (reply_ != nullptr) reply_->set_status(status);
  return *this;
}
Response& Response::set(std::string_view name, std::string_view value) {
  if (reply_ != nullptr) reply_->add_field(name, value);
  return *this;
}
bool Response::write(std::string_view piece) { return reply_ == nullptr || reply_->write(piece); }
void Response::on_room(std::function<void()> callback) {
  if (reply_ != nullptr) reply_->set_on_room(std::move(callback));
}
void Response::end(std::string_view body) {
  if (reply_ != nullptr) reply_->end(body);
}
bool Response::is_over() const { return reply_ == nullptr || reply_->is_over(); }

Result<cluster::Server> Server::listen(std::string_view address, ListenOptions options) const {
  options.client_speaks_first = true;
  return listen_with(address, options, {.on_request = handler_, .http = options_});
}

Result<cluster::Server> Server::listen(std::uint16_t port) const {
  return listen(std::to_string(port));
}

}  // namespace http

}  // namespace roundhouse::cluster
