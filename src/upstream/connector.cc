#include "upstream/connector.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "base/log.h"
#include "base/unique_fd.h"

namespace roundhouse::upstream {
namespace {

bool is_ours(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM ||
         error == EADDRNOTAVAIL;
}

}  // namespace

void Connector::start(Duration timeout) {
  const Address& address = endpoint_.spec().address;
  UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) {
    fail(http::Failure::kConnectFailed, errno);
    return;
  }
  const int on = 1;
  if (!address.is_unix()) ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ipc::add(endpoint_.traffic().connects_total);
  const bool done = ::connect(fd.get(), address.data(), address.size()) == 0;
  if (!done && errno != EINPROGRESS) {
    fail(http::Failure::kConnectFailed, errno);
    return;
  }
  auto connection = std::make_unique<Connection>(loop_, std::move(fd), endpoint_);
  if (done) {
    connected(std::move(connection));
    return;
  }
  connection_ = std::move(connection);
  connection_->set_user(this);
  deadlines_.set(*this, loop_.now() + timeout);
}

void Connector::on_upstream_ready(Ready /*ready*/) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(connection_->transport().fd(), SOL_SOCKET, SO_ERROR, &error, &size);
  cancel();
  connection_->set_user(nullptr);
  if (error != 0) {
    connection_->retire();
    loop_.delete_later(std::move(connection_));
    fail(http::Failure::kConnectFailed, error);
    return;
  }
  connected(std::move(connection_));
}

void Connector::connected(std::unique_ptr<Connection> connection) {
  const int error = send_header(*connection);
  if (error == 0) {
    owner_.on_connected(*this, std::move(connection));
    return;
  }
  connection->retire();
  loop_.delete_later(std::move(connection));
  fail(http::Failure::kConnectFailed, error);
}

// A socket that has sent nothing has room for a header. As bytes of the socket, whatever the stream
// becomes behind it.
int Connector::send_header(Connection& connection) const {
  const std::string_view header = wish_.header;
  if (header.empty()) return 0;
  const ssize_t sent =
      ::send(connection.transport().fd(), header.data(), header.size(), MSG_NOSIGNAL);
  if (sent < 0) return errno;
  return static_cast<std::size_t>(sent) == header.size() ? 0 : ENOBUFS;
}

void Connector::abandon() {
  cancel();
  connection_.reset();
}

void Connector::expired() {
  connection_.reset();
  fail(http::Failure::kConnectTimeout, ETIMEDOUT);
}

void Connector::fail(http::Failure failure, int error) {
  log::debug("endpoint_connect_failed", "no connection to endpoint " + endpoint_.spec().name,
             {{"endpoint", endpoint_.spec().name}, {"errno", error}});
  owner_.on_connect_failed(*this, failure, is_ours(error));
}

}  // namespace roundhouse::upstream
