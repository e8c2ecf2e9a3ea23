// The worker: connections of the native channel go to what the program listens with, its words to
// the primary.
//
// It is the library's counterpart of worker/worker.cc: the same source of connections and the same
// HTTP server, with the program's callbacks in the place of a configuration.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "cluster/birth.h"
#include "cluster/http_service.h"
#include "cluster/line.h"
#include "cluster/records.h"
#include "cluster/runtime.h"
#include "cluster/terms.h"
#include "ipc/shared_memory.h"
#include "native/connection_source.h"

namespace roundhouse::membership {

class Member final : private native::ConnectionSink, private Line::Listener {
 public:
  // Tells the primary that it is ready. Takes the heritage; one that is not to be used ends the
  // process (exit code 71).
  Member(Runtime& runtime, Birth& birth);
  ~Member();

  cluster::Worker self() const { return cluster::Worker(record_); }

  struct Service {
    std::function<void(cluster::Connection)> on_connection;  // or:
    cluster::http::Handler on_request;
    cluster::http::Options http;
  };
  cluster::Result<cluster::Server> listen(std::string_view address,
                                          const cluster::ListenOptions& options, Service service);
  void close(ListenRecord& record);

  cluster::Result<void> send(std::string_view bytes, int descriptor);
  cluster::Result<void> disconnect();
  // Exits.
  [[noreturn]] void leave_now();
  void run();

  void connection_closed(std::uint32_t listener);

 private:
  void on_connection(UniqueFd fd, const ipc::ConnectionInfo& info) override;
  void on_drain(const ipc::DrainTerms& terms) override;
  void on_packet(LineHeader header, std::span<const std::byte> content,
                 UniqueFd descriptor) override;
  void on_line_closed() override;

  std::uint32_t free_turn(std::string_view address) const;
  cluster::Result<ListenAnswer> ask(const ListenQuestion& question);
  void start_serving(const ListenQuestion& question, const ListenAnswer& answer, Service service);
  HttpService& http();
  void leave_if_done();
  void finish();

  Runtime& runtime_;
  EventLoop& loop_;
  ipc::Shared<ipc::Slot> slot_;
  std::shared_ptr<WorkerRecord> record_;
  Line line_;
  std::unique_ptr<native::ConnectionSource> source_;
  std::unique_ptr<HttpService> http_;  // from the first server of it on
  // By listener; of one that is closed until its number is given again, since connections that were
  // given before may still come.
  std::array<std::shared_ptr<ListenRecord>, ipc::kMaxListeners> listens_;
  std::uint32_t questions_ = 0;
  std::optional<ListenAnswer> answer_;  // to the last of them
  UniqueFd answered_fd_;
  std::uint64_t raw_open_ = 0;  // connections that the program holds itself
  Timer give_up_;
  bool draining_ = false;
  bool leaving_ = false;
  bool finished_ = false;
};

}  // namespace roundhouse::membership
