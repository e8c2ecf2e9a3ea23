// The primary's view of one worker place: the native channel, and the line beside it.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "cluster/line.h"
#include "edge/native_handle.h"

namespace roundhouse::membership {

// Of the primary for each worker: the slot, both ends of the channel, the line, the process.
inline constexpr std::uint64_t kDescriptorsOfMember = 5;

class MemberHandle final : public edge::NativeHandle, private Line::Listener {
 public:
  // Who is told what a worker says on its line, and that its process exists. Outlives the handle.
  class Owner {
   public:
    // Before a start: what the process gets in its environment besides.
    virtual std::vector<std::string> variables_for(std::size_t place) = 0;
    virtual void on_started(std::size_t place, pid_t pid) = 0;
    virtual void on_said(std::size_t place, LineHeader header, std::span<const std::byte> content,
                         UniqueFd descriptor) = 0;
    virtual void on_line_ended(std::size_t place) = 0;

   protected:
    ~Owner() = default;
  };

  static Result<std::unique_ptr<MemberHandle>> create(EventLoop& loop, std::size_t place,
                                                      edge::WorkerHandle::Listener& listener,
                                                      Owner& owner);

  Line& line() { return line_; }
  // Whether it has said that it listens there, and not that it does no more.
  void set_listens_on(std::uint32_t listener, bool listens) { listens_on_[listener] = listens; }
  // Its exit, whatever its code, is no crash.
  void announce_exit() { announced_ = true; }

  Result<Inheritance> prepare(ipc::Bequest bequest, Time now) override;
  void started(pid_t pid) override;
  void died() override;
  void ended() override;
  bool has_announced_exit() const override { return announced_; }
  bool willing(std::uint32_t listener) const override {
    return listener < listens_on_.size() && listens_on_[listener];
  }

 private:
  MemberHandle(EventLoop& loop, std::size_t place, edge::WorkerHandle::Listener& listener,
               ipc::Shared<ipc::Slot> slot, Owner& owner);
  void on_packet(LineHeader header, std::span<const std::byte> content,
                 UniqueFd descriptor) override;
  void on_line_closed() override;

  Owner& owner_;
  Line line_;
  ipc::Channel workers_end_;  // until the process has it
  std::array<bool, ipc::kMaxListeners> listens_on_{};
  bool announced_ = false;
};

}  // namespace roundhouse::membership
