#include "cluster/member_handle.h"

namespace roundhouse::membership {

Result<std::unique_ptr<MemberHandle>> MemberHandle::create(EventLoop& loop, std::size_t place,
                                                           edge::WorkerHandle::Listener& listener,
                                                           Owner& owner) {
  auto slot = TRY(ipc::Shared<ipc::Slot>::create("roundhouse-slot"));
  return std::unique_ptr<MemberHandle>(
      new MemberHandle(loop, place, listener, std::move(slot), owner));
}

MemberHandle::MemberHandle(EventLoop& loop, std::size_t place,
                           edge::WorkerHandle::Listener& listener, ipc::Shared<ipc::Slot> slot,
                           Owner& owner)
    : NativeHandle(loop, place, listener, std::move(slot)), owner_(owner), line_(loop, *this) {}

Result<edge::WorkerHandle::Inheritance> MemberHandle::prepare(ipc::Bequest bequest, Time now) {
  auto [ours, theirs] = TRY(ipc::Channel::create_pair());
  listens_on_ = {};
  announced_ = false;
  line_.open(std::move(ours));
  workers_end_ = std::move(theirs);
  bequest.line = workers_end_.fd();
  Inheritance given = TRY(NativeHandle::prepare(std::move(bequest), now));
  for (std::string& variable : owner_.variables_for(place()))
    given.environment.push_back(std::move(variable));
  return given;
}

void MemberHandle::started(pid_t pid) {
  NativeHandle::started(pid);
  workers_end_.close();  // so that its death is an end
  owner_.on_started(place(), pid);
}

void MemberHandle::died() { line_.read_rest(); }

void MemberHandle::ended() {
  workers_end_.close();
  line_.close();
  NativeHandle::ended();
}

void MemberHandle::on_packet(LineHeader header, std::span<const std::byte> content,
                             UniqueFd descriptor) {
  owner_.on_said(place(), header, content, std::move(descriptor));
}

void MemberHandle::on_line_closed() { owner_.on_line_ended(place()); }

}  // namespace roundhouse::membership
