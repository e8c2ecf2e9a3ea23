#include "net/reuseport_rotation.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <memory>
#include <utility>

#include "base/address.h"
#include "base/check.h"
#include "net/listener.h"

namespace roundhouse {
namespace {

// The kernel's verifier gives up with EAGAIN when a signal comes; that has been handled by then.
int bpf(bpf_cmd command, bpf_attr& attributes) {
  constexpr int kAttempts = 100;
  int result = -1;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    result = static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof attributes));
    if (result >= 0 || errno != EAGAIN) break;
  }
  return result;
}

Result<UniqueFd> create_map(bpf_map_type type, std::uint32_t value_size, std::uint32_t entries,
                            std::uint32_t flags) {
  bpf_attr attributes{};
  attributes.map_type = type;
  attributes.key_size = sizeof(std::uint32_t);
  attributes.value_size = value_size;
  attributes.max_entries = entries;
  attributes.map_flags = flags;
  UniqueFd fd(bpf(BPF_MAP_CREATE, attributes));
  if (!fd) return fail_errno("creating an eBPF map", errno);
  return fd;
}

// --- Instructions, by the names of the kernel's own assembler.

using Instruction = bpf_insn;

constexpr Instruction insn(int code, int dst, int src, int off, std::int32_t imm) {
  return {.code = static_cast<__u8>(code),
          .dst_reg = static_cast<__u8>(dst & 15),
          .src_reg = static_cast<__u8>(src & 15),
          .off = static_cast<__s16>(off),
          .imm = imm};
}
constexpr Instruction move(int dst, int src) {
  return insn(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}
constexpr Instruction set(int dst, std::int32_t value) {
  return insn(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value);
}
constexpr Instruction alu(int operation, int dst, std::int32_t value) {
  return insn(BPF_ALU64 | operation | BPF_K, dst, 0, 0, value);
}
constexpr Instruction alu_by(int operation, int dst, int src) {
  return insn(BPF_ALU64 | operation | BPF_X, dst, src, 0, 0);
}
constexpr Instruction load32(int dst, int src, int offset) {
  return insn(BPF_LDX | BPF_MEM | BPF_W, dst, src, offset, 0);
}
constexpr Instruction store32(int dst, int offset, int src) {
  return insn(BPF_STX | BPF_MEM | BPF_W, dst, src, offset, 0);
}
constexpr Instruction jump_if(int condition, int dst, std::int32_t value, int over) {
  return insn(BPF_JMP | condition | BPF_K, dst, 0, over, value);
}
constexpr Instruction call(int function) { return insn(BPF_JMP | BPF_CALL, 0, 0, 0, function); }
constexpr Instruction leave() { return insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0); }

}  // namespace

void ReuseportRotation::Unmap::operator()(State* state) const { ::munmap(state, sizeof(State)); }

// What it does, with `state` the one value of its map:
//
//   turns = &state->turns[state->active & 1]
//   verdict = turns->refuses ? SK_DROP : SK_PASS
//   if (turns->count == 0) return verdict
//   n = atomic_fetch_add(&state->cursor, 1) % turns->count
//   place = turns->places[n & (kMaxSockets - 1)]
//   sk_select_reuseport(ctx, sockets, &place, 0)
//   return verdict
Result<UniqueFd> ReuseportRotation::load_program(int state, int sockets) {
  static_assert((kMaxSockets & (kMaxSockets - 1)) == 0);
  static_assert(SK_DROP == 0 && SK_PASS == 1);
  constexpr auto kPlaces = static_cast<int>(offsetof(Turns, places));
  const std::array code = {
      move(6, 1), set(8, SK_PASS),
      // r0 = the value of the state map
      set(2, 0), store32(10, -4, 2), move(2, 10), alu(BPF_ADD, 2, -4),
      insn(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, state), insn(0, 0, 0, 0, 0),
      call(BPF_FUNC_map_lookup_elem), jump_if(BPF_JEQ, 0, 0, 20),
      // r7 = turns
      load32(1, 0, offsetof(State, active)), alu(BPF_AND, 1, 1),
      alu(BPF_MUL, 1, static_cast<std::int32_t>(sizeof(Turns))), move(7, 0), alu_by(BPF_ADD, 7, 1),
      alu(BPF_ADD, 7, offsetof(State, turns)),
      // r8 = the verdict
      load32(8, 7, offsetof(Turns, refuses)), alu(BPF_XOR, 8, 1), alu(BPF_AND, 8, 1),
      // r2 = count
      load32(2, 7, offsetof(Turns, count)), jump_if(BPF_JEQ, 2, 0, 12),
      // r3 = cursor++ % count
      set(3, 1),
      insn(BPF_STX | BPF_ATOMIC | BPF_W, 0, 3, offsetof(State, cursor), BPF_ADD | BPF_FETCH),
      insn(BPF_ALU | BPF_MOD | BPF_X, 3, 2, 0, 0), alu(BPF_AND, 3, kMaxSockets - 1),
      alu(BPF_LSH, 3, 2), alu_by(BPF_ADD, 7, 3), load32(1, 7, kPlaces), store32(10, -4, 1),
      move(1, 6), insn(BPF_LD | BPF_DW | BPF_IMM, 2, BPF_PSEUDO_MAP_FD, 0, sockets),
      insn(0, 0, 0, 0, 0), move(3, 10)};
  std::vector<Instruction> program(code.begin(), code.end());
  for (const Instruction& last :
       {alu(BPF_ADD, 3, -4), set(4, 0), call(BPF_FUNC_sk_select_reuseport), move(0, 8), leave()})
    program.push_back(last);
  // Both jumps go to the end.
  const auto end = static_cast<int>(program.size()) - 2;
  for (int i = 0; i < end; ++i) {
    Instruction& here = program[static_cast<std::size_t>(i)];
    if (here.code == (BPF_JMP | BPF_JEQ | BPF_K)) here.off = static_cast<__s16>(end - i - 1);
  }
  std::vector<char> log(16 * std::size_t{1024});
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_SK_REUSEPORT;
  attributes.insns = reinterpret_cast<std::uint64_t>(program.data());
  attributes.insn_cnt = static_cast<std::uint32_t>(program.size());
  attributes.license = reinterpret_cast<std::uint64_t>("Apache-2.0");
  attributes.log_buf = reinterpret_cast<std::uint64_t>(log.data());
  attributes.log_size = static_cast<std::uint32_t>(log.size());
  attributes.log_level = 1;
  UniqueFd fd(bpf(BPF_PROG_LOAD, attributes));
  if (!fd) return fail_errno("loading the eBPF program", errno);
  return fd;
}

Result<ReuseportRotation> ReuseportRotation::create(std::size_t places) {
  CHECK(places > 0 && places <= kMaxSockets);
  ReuseportRotation rotation;
  rotation.places_ = places;
  rotation.state_fd_ = TRY(create_map(BPF_MAP_TYPE_ARRAY, sizeof(State), 1, BPF_F_MMAPABLE));
  rotation.sockets_fd_ = TRY(create_map(BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, sizeof(std::uint64_t),
                                        static_cast<std::uint32_t>(places) + 1, 0));
  void* const mapped = ::mmap(nullptr, sizeof(State), PROT_READ | PROT_WRITE, MAP_SHARED,
                              rotation.state_fd_.get(), 0);
  if (mapped == MAP_FAILED) return fail_errno("mapping an eBPF map", errno);
  rotation.state_.reset(static_cast<State*>(mapped));
  rotation.program_ = TRY(load_program(rotation.state_fd_.get(), rotation.sockets_fd_.get()));
  return rotation;
}

Result<void> ReuseportRotation::add(std::size_t place, int socket) {
  const auto key = static_cast<std::uint32_t>(place);
  const auto value = static_cast<std::uint64_t>(socket);
  bpf_attr attributes{};
  attributes.map_fd = static_cast<std::uint32_t>(sockets_fd_.get());
  attributes.key = reinterpret_cast<std::uint64_t>(&key);
  attributes.value = reinterpret_cast<std::uint64_t>(&value);
  if (bpf(BPF_MAP_UPDATE_ELEM, attributes) != 0)
    return fail_errno("putting a socket into an eBPF map", errno);
  return {};
}

// A socket is in one map at most, and the kernel takes its time to free one.
ReuseportRotation::~ReuseportRotation() {
  if (!sockets_fd_) return;
  const auto beside = static_cast<std::uint32_t>(places_);
  bpf_attr attributes{};
  attributes.map_fd = static_cast<std::uint32_t>(sockets_fd_.get());
  attributes.key = reinterpret_cast<std::uint64_t>(&beside);
  bpf(BPF_MAP_DELETE_ELEM, attributes);
}

Result<void> ReuseportRotation::attach_to(int socket) {
  const int program = program_.get();
  if (::setsockopt(socket, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &program, sizeof program) != 0)
    return fail_errno("attaching the eBPF program", errno);
  return {};
}

Result<ReuseportRotation> ReuseportRotation::attach(std::span<const int> sockets) {
  ReuseportRotation rotation = TRY(create(sockets.size()));
  for (std::size_t place = 0; place < sockets.size(); ++place)
    TRY_VOID(rotation.add(place, sockets[place]));
  TRY_VOID(rotation.attach_to(sockets[0]));
  return rotation;
}

Result<void> ReuseportRotation::probe() {
  const ListeningSocket socket =
      TRY(listen_on(Address::loopback(0), {.backlog = 1, .shares_port = true}));
  const int fd = socket.fd.get();
  TRY_VOID(attach({&fd, 1}));
  return {};
}

Result<SharedAddress> SharedAddress::of(int socket) {
  SharedAddress shared;
  shared.fd_.reset(::fcntl(socket, F_DUPFD_CLOEXEC, 0));
  const int on = 1;
  if (!shared.fd_ || ::setsockopt(socket, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0)
    return fail_errno("sharing the address of a socket", errno);
  return shared;
}

SharedAddress& SharedAddress::operator=(SharedAddress&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

SharedAddress::~SharedAddress() {
  if (fd_) stop_sharing(fd_.get());
}

void stop_sharing(int socket) {
  const int off = 0;
  ::setsockopt(socket, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &off, sizeof off);
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEPORT, &off, sizeof off);
}

Result<ReuseportGroup> listen_in_rotation(const Address& address, ListenOptions options,
                                          std::size_t count) {
  ReuseportGroup group;
  // SO_REUSEPORT would let two instances share a port by mistake: this one must be ours alone.
  const Address ours = TRY(listen_on(address, options)).address;
  options.shares_port = true;
  std::vector<int> fds;
  for (std::size_t place = 0; place < count; ++place) {
    group.sockets.push_back(TRY(listen_on(ours, options)));
    group.sockets.back().asked = address;
    fds.push_back(group.sockets.back().fd.get());
  }
  group.rotation = TRY(ReuseportRotation::attach(fds));
  return group;
}

Result<ReuseportGroup> listen_in_rotation_after(int before, const Address& bound,
                                                const Address& asked, ListenOptions options,
                                                std::size_t count) {
  ReuseportGroup group;
  group.before = TRY(SharedAddress::of(before));
  group.rotation = TRY(ReuseportRotation::create(count));
  options.shares_port = true;
  for (std::size_t place = 0; place < count; ++place) {
    group.sockets.push_back(TRY(listen_on(bound, options)));
    group.sockets.back().asked = asked;
    const int socket = group.sockets.back().fd.get();
    TRY_VOID(group.rotation.add(place, socket));
    if (place != 0) continue;
    // With the first one there is a group.
    TRY_VOID(group.rotation.add_beside(before));
    group.rotation.turn_to_beside();
    TRY_VOID(group.rotation.attach_to(socket));
  }
  return group;
}

void ReuseportRotation::set_turns(std::span<const std::uint32_t> places) {
  CHECK(places.size() <= kMaxSockets);
  change([&](Turns& turns) {
    turns.refuses = 0;
    turns.count = static_cast<std::uint32_t>(places.size());
    std::ranges::copy(places, turns.places);
  });
}

void ReuseportRotation::turn_to_beside() {
  const auto beside = static_cast<std::uint32_t>(places_);
  set_turns(std::span(&beside, 1));
}

void ReuseportRotation::refuse() {
  change([](Turns& turns) {
    turns.refuses = 1;
    turns.count = 0;
  });
}

void ReuseportRotation::change(const std::function<void(Turns&)>& write) {
  std::atomic_ref active(state_->active);
  const std::uint32_t next = (active.load(std::memory_order_relaxed) + 1) & 1;
  write(state_->turns[next]);
  active.store(next, std::memory_order_release);
}

}  // namespace roundhouse
