#include "worker/crash_handler.h"

#include <execinfo.h>
#include <sys/mman.h>
#include <unwind.h>

#include <csignal>
#include <cstdint>

#include "base/check.h"

// From the linker: where the executable is mapped. NOLINTNEXTLINE: its name
extern "C" const char __executable_start;
extern "C" const char etext;

namespace roundhouse::worker {
namespace {

constexpr std::size_t kStackSize = 64 * 1024;

ipc::Slot* crash_slot = nullptr;

// Frames of other objects are left out: their addresses say nothing without the maps of the dead
// process.
_Unwind_Reason_Code add_frame(_Unwind_Context* context, void* /*unused*/) noexcept {
  ipc::CrashRecord& record = crash_slot->crash;
  const auto address = static_cast<std::uint64_t>(_Unwind_GetIP(context));
  const auto start = reinterpret_cast<std::uint64_t>(&__executable_start);
  const auto end = reinterpret_cast<std::uint64_t>(&etext);
  if (address >= start && address < end) record.frames[record.frame_count++] = address - start;
  return record.frame_count < ipc::kBacktraceFrames ? _URC_NO_REASON : _URC_END_OF_STACK;
}

void on_crash(int number, siginfo_t* info, void* /*context*/) noexcept {
  ipc::CrashRecord& record = crash_slot->crash;
  record.frame_count = 0;
  record.fault_address = reinterpret_cast<std::uint64_t>(info->si_addr);
  record.signal.store(static_cast<std::uint32_t>(number), std::memory_order_release);
  _Unwind_Backtrace(&add_frame, nullptr);
  ::raise(number);  // SA_RESETHAND: the default action now, with its core
}

}  // namespace

void install_crash_handler(ipc::Slot& slot) {
  crash_slot = &slot;
  void* warm[1];
  ::backtrace(warm, 1);  // loads the unwinder now: its first use allocates
  stack_t stack{};
  stack.ss_sp =
      ::mmap(nullptr, kStackSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  stack.ss_size = kStackSize;
  CHECK(stack.ss_sp != MAP_FAILED && ::sigaltstack(&stack, nullptr) == 0);
  struct sigaction action{};
  action.sa_sigaction = &on_crash;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | static_cast<int>(SA_RESETHAND);
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
    CHECK(::sigaction(number, &action, nullptr) == 0);
  }
}

}  // namespace roundhouse::worker
