#include "edge/exit_report.h"

#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "base/log.h"
#include "base/signal_name.h"

namespace roundhouse::edge {
namespace {

std::int64_t to_ns(const timeval& time) {
  return (time.tv_sec * 1'000'000LL + time.tv_usec) * 1'000;
}

bool deliberate(ExitReason reason) {
  switch (reason) {
    case ExitReason::kRecycleRequests:
    case ExitReason::kRecycleMemory:
    case ExitReason::kRecycleLifetime:
    case ExitReason::kShutdown:
    case ExitReason::kReload:
    case ExitReason::kScale:
    case ExitReason::kOperator:
      return true;
    case ExitReason::kCrash:
    case ExitReason::kExited:
    case ExitReason::kOom:
    case ExitReason::kHang:
    case ExitReason::kBootTimeout:
    case ExitReason::kProtocol:
      break;
  }
  return false;
}

std::string how_it_ended(const Death& death, ExitReason reason) {
  std::string text = death.status.signal != 0 ? "killed by " + signal_name(death.status.signal)
                                              : "exit code " + std::to_string(death.status.code);
  const std::string& saw = death.probe_saw;
  switch (reason) {
    case ExitReason::kOom:
      return text + " (the container is out of memory)";
    case ExitReason::kHang:
      return text + " (" + (saw.empty() ? "its event loop hung" : saw) + ")";
    case ExitReason::kBootTimeout:
      return text + " (it was not ready in time" + (saw.empty() ? "" : ": " + saw) + ")";
    case ExitReason::kProtocol:
      return text + " (it broke the protocol of its channel)";
    default:
      return text;
  }
}

// Where nobody takes its place.
std::string what_follows(ExitReason reason) {
  switch (reason) {
    case ExitReason::kReload:
    case ExitReason::kOperator:
      return "another serves in its place";
    case ExitReason::kScale:
      return "the pool has fewer workers now";
    case ExitReason::kShutdown:
      return "the pool is stopping";
    default:
      return "not started again";
  }
}

std::string what_next(const Obituary& obituary) {
  switch (obituary.next) {
    case WorkerState::kBackoff:
      return "next start in " + brief(obituary.next_start_in);
    case WorkerState::kQuarantined:
      return "quarantined, next try in " + brief(obituary.next_start_in);
    case WorkerState::kFailed:
      return "not started again";
    case WorkerState::kGone:
      return what_follows(obituary.reason);
    case WorkerState::kStarting:
    case WorkerState::kReady:
    case WorkerState::kDraining:
      break;
  }
  return "next start at once";
}

// The last two lines, as one.
std::string end_of(std::string_view words) {
  constexpr std::size_t kLines = 2;
  constexpr std::size_t kMost = 240;
  while (words.ends_with('\n')) words.remove_suffix(1);
  std::string text;
  for (std::size_t i = 0; i < kLines && !words.empty(); ++i) {
    const auto begin = words.rfind('\n') + 1;
    const std::string_view line = words.substr(begin);
    if (!text.empty()) text.insert(0, " / ");
    text.insert(0, line.substr(0, kMost / kLines));
    words = words.substr(0, begin == 0 ? 0 : begin - 1);
  }
  return text;
}

// Addresses relative to the executable, as addr2line -e takes them.
std::string backtrace_text(const ipc::ExitRecord& record) {
  std::string text;
  for (std::uint32_t i = 0; i < record.backtrace_frames; ++i) {
    char frame[24];
    std::snprintf(frame, sizeof frame, "%s%#llx", i == 0 ? "" : " ",
                  static_cast<unsigned long long>(record.backtrace[i]));
    text += frame;
  }
  return text;
}

}  // namespace

std::string loss_of(const Death& death, const Obituary& obituary) {
  const std::string words = end_of(death.last_words);
  return how_it_ended(death, obituary.reason) +
         (death.why_not_ready.empty() ? "" : ", " + death.why_not_ready) +
         (words.empty() ? "" : ": " + words);
}

ExitStatus exit_status_of(int wait_status) {
  if (WIFSIGNALED(wait_status)) return {.signal = WTERMSIG(wait_status)};
  return {.code = WEXITSTATUS(wait_status)};
}

std::string brief(Duration duration) {
  char text[32];
  const double value = seconds(duration);
  if (value < 1) {
    std::snprintf(text, sizeof text, "%.0fms", value * 1000);
  } else if (value < 120) {
    std::snprintf(text, sizeof text, "%.1fs", value);
  } else {
    std::snprintf(text, sizeof text, "%.0fm", value / 60);
  }
  return text;
}

ipc::ExitRecord make_exit_record(const Death& death, const Obituary& obituary,
                                 const ipc::Slot& slot) {
  ipc::ExitRecord record{};
  record.at = wall_clock_seconds();
  record.reason = obituary.reason;
  record.pid = death.pid;
  record.signal = death.status.signal;
  record.exit_code = death.status.code;
  record.core_dumped = death.core_dumped ? 1 : 0;
  record.was_ready = obituary.was_ready ? 1 : 0;
  record.lived_ns = obituary.lived.count();
  record.ready_for_ns = obituary.ready_for.count();
  record.user_cpu_ns = to_ns(death.usage.ru_utime);
  record.system_cpu_ns = to_ns(death.usage.ru_stime);
  record.max_resident_bytes = static_cast<std::uint64_t>(death.usage.ru_maxrss) * 1024;
  record.connections_active = slot.connections_active.load(std::memory_order_relaxed);
  record.requests_in_flight = slot.requests_in_flight.load(std::memory_order_relaxed);
  for (const ipc::InFlightText& text : slot.in_flight) {
    if (text.used.load(std::memory_order_relaxed) == 0) continue;
    char* out = record.in_flight[record.in_flight_texts++];
    std::memcpy(out, text.text, ipc::kInFlightText - 1);
    out[ipc::kInFlightText - 1] = '\0';
  }
  if (slot.crash.signal.load(std::memory_order_relaxed) != 0) {
    record.backtrace_frames =
        std::min<std::uint32_t>(slot.crash.frame_count, ipc::kBacktraceFrames);
    std::copy_n(slot.crash.frames, record.backtrace_frames, record.backtrace);
  }
  return record;
}

void log_exit(const Death& death, const Obituary& obituary, const ipc::ExitRecord& record) {
  const bool planned = deliberate(obituary.reason);
  std::string sentence = death.name + " (pid " + std::to_string(death.pid) + ") ";
  sentence += planned ? "stopped: " : "died: ";
  sentence += how_it_ended(death, obituary.reason);
  sentence +=
      obituary.was_ready ? " after " + brief(obituary.ready_for) + " ready" : ", never ready";
  const bool waited_for = obituary.reason == ExitReason::kBootTimeout ||
                          (obituary.reason == ExitReason::kExited && !obituary.was_ready);
  if (waited_for && !death.why_not_ready.empty()) sentence += ": " + death.why_not_ready;
  if (record.in_flight_texts > 0) sentence += std::string(", serving ") + record.in_flight[0];
  if (const std::uint64_t cut = record.connections_active; cut > 0)
    sentence += ", " + std::to_string(cut) + (cut == 1 ? " connection cut" : " connections cut");
  sentence += "; " + what_next(obituary);
  if (const std::string said = end_of(death.last_words); !said.empty() && !planned)
    sentence += "; the end of its stderr: " + said;
  if (!death.hint.empty()) sentence += "; " + std::string(death.hint);
  const bool human_must_act =
      obituary.next == WorkerState::kQuarantined || obituary.next == WorkerState::kFailed;
  const log::Level level = human_must_act ? log::Level::kError
                           : planned      ? log::Level::kInfo
                                          : log::Level::kWarn;
  const log::Field how = death.status.signal != 0
                             ? log::Field{"signal", signal_name(death.status.signal)}
                             : log::Field{"exit_code", death.status.code};
  log::write(level, "worker_exited", sentence,
             {{"pool", death.pool},
              {"worker", death.worker},
              {"pid", death.pid},
              {"reason", ipc::to_string(obituary.reason)},
              how,
              {"ready_for", brief(obituary.ready_for)},
              {"respawn_in", brief(obituary.next_start_in)},
              {"in_flight", record.requests_in_flight},
              {"connections", record.connections_active}});
  if (record.backtrace_frames > 0) {
    log::warn("worker_backtrace",
              death.name + " died here: addr2line -Cfpe roundhouse " + backtrace_text(record),
              {{"pool", death.pool}, {"worker", death.worker}, {"pid", death.pid}});
  }
}

}  // namespace roundhouse::edge
