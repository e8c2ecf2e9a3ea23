#include "proxy/access_log.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "base/log.h"

namespace roundhouse::proxy {
namespace {

constexpr Duration kTellEvery = std::chrono::seconds(1);

std::uint64_t lines_in(std::string_view text) {
  return static_cast<std::uint64_t>(std::ranges::count(text, '\n'));
}

std::string reason_of(int number) {
  if (number == EAGAIN) return "whoever reads it is too slow";
  const char* const text = ::strerrordesc_np(number);
  return text == nullptr ? "error " + std::to_string(number) : text;
}

}  // namespace

AccessLog::AccessLog(Parts parts)
    : loop_(parts.loop),
      slot_(parts.slot),
      sample_(std::max<std::uint32_t>(parts.options.sample, 1)),
      formatter_(parts.options, parts.pool, parts.worker),
      sink_(std::move(parts.fd)),
      retry_(parts.loop, [this] { on_retry(); }),
      skipped_(sample_ - 1) {}

AccessLog::~AccessLog() {
  failing_ = false;
  flush();
  if (!buffer_.empty()) drop(lines_in(buffer_.bytes()));
  told_ = {};
  tell();
}

// The first of them is written.
bool AccessLog::is_left_out(const AccessRecord& record) {
  if (record.failure != http::Failure::kNone || record.status >= 500) return false;
  if (++skipped_ < sample_) return true;
  skipped_ = 0;
  return false;
}

void AccessLog::add(const AccessRecord& record) {
  if (is_left_out(record)) return;
  if (!has_room()) flush();
  if (!has_room()) {
    drop(1);
    return;
  }
  if (const Time now = loop_.now(); now != time_of_) {
    time_of_ = now;
    time_.set(wall_clock_seconds(), formatter_.format());
  }
  buffer_.filled(formatter_.write(record, time_.text(), buffer_.room()));
  if (due_) return;
  due_ = true;
  loop_.defer([this] {
    due_ = false;
    flush();
  });
}

void AccessLog::flush() {
  if (buffer_.empty() || failing_) return;
  const LineSink::Written written = sink_.write(buffer_.bytes());
  if (written.bytes > 0) {
    const std::string_view gone = buffer_.bytes().substr(0, written.bytes);
    ipc::add(slot_.access_log_lines, lines_in(gone));
    torn_ = gone.back() != '\n';
    buffer_.drop(written.bytes);
  }
  if (written.status == LineSink::Status::kAll) return;
  why_ = written.why;
  failing_ = written.status == LineSink::Status::kFailed;
  if (!retry_.running()) retry_.start_once(kRetry);
}

void AccessLog::on_retry() {
  failing_ = false;
  flush();
  tell();
  if ((!buffer_.empty() || untold_ > 0) && !retry_.running()) retry_.start_once(kRetry);
}

void AccessLog::replace(UniqueFd fd) {
  failing_ = false;
  flush();
  if (torn_ && !buffer_.empty()) {
    buffer_.drop(buffer_.bytes().find('\n') + 1);
    drop(1);
  }
  torn_ = failing_ = false;
  sink_ = LineSink(std::move(fd));
  flush();
}

void AccessLog::drop(std::uint64_t lines) {
  ipc::add(slot_.access_log_dropped, lines);
  untold_ += lines;
  tell();
  if (untold_ > 0 && !retry_.running()) retry_.start_once(kRetry);
}

void AccessLog::tell() {
  const Time now = loop_.now();
  if (untold_ == 0 || (told_ != Time{} && now - told_ < kTellEvery)) return;
  told_ = now;
  const std::uint64_t lines = std::exchange(untold_, 0);
  log::warn("access_log_dropped",
            "the access log has lost " + std::to_string(lines) +
                (lines == 1 ? " line: " : " lines: ") + reason_of(why_),
            {{"lines", lines}, {"why", reason_of(why_)}});
}

}  // namespace roundhouse::proxy
