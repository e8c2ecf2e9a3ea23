#include "edge/program_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/clock.h"

namespace roundhouse::edge {
namespace {

constexpr std::size_t kReadSize = 64 * 1024;  // of one pipe in one turn: all that it holds
constexpr int kReadsAtTheEnd = 16;            // a daemon may hold the pipe and print on
constexpr std::size_t kLineMax = 64 * 1024;   // longer ones are printed in parts

}  // namespace

ProgramOutput::ProgramOutput(EventLoop& loop, OutputPlaces& places, Setting setting)
    : loop_(loop), places_(places), setting_(std::move(setting)) {
  for (Stream& stream : streams_) stream.output = this;
  streams_[1].kind = ipc::OutputStream::kErr;
}

Result<void> ProgramOutput::open() {
  for (Stream& stream : streams_) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe", errno);
    stream.watcher.stop();
    stream.ours.reset(ends[0]);
    stream.theirs.reset(ends[1]);
    ::fcntl(stream.ours.get(), F_SETFL, O_NONBLOCK);  // of our end alone
    stream.begun.clear();
  }
  last_.clear();
  last_bytes_ = 0;
  return {};
}

void ProgramOutput::started() {
  for (Stream& stream : streams_) {
    stream.theirs.reset();
    stream.watcher.watch(loop_, stream.ours.get(), Interest::kRead, Trigger::kLevel, stream);
  }
}

void ProgramOutput::ended() {
  for (Stream& stream : streams_) {
    stream.theirs.reset();
    for (int i = 0; i < kReadsAtTheEnd && read(stream); ++i) {
    }
    if (!stream.begun.empty()) add(stream, std::exchange(stream.begun, ""));
    print(stream);
    stream.watcher.stop();
    stream.ours.reset();
  }
}

void ProgramOutput::Stream::on_ready(Ready /*ready*/) { output->read(*this); }

// False: there is nothing more to read now.
bool ProgramOutput::read(Stream& stream) {
  static std::array<char, kReadSize> buffer;
  if (!stream.ours) return false;
  const ssize_t count = ::read(stream.ours.get(), buffer.data(), buffer.size());
  if (count < 0) return false;
  if (count == 0) {  // it has closed it: nothing to wait for
    stream.watcher.stop();
    return false;
  }
  take(stream, {buffer.data(), static_cast<std::size_t>(count)});
  return true;
}

void ProgramOutput::take(Stream& stream, std::string_view bytes) {
  now_ = wall_clock_seconds();
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    const bool whole = end != bytes.npos;
    bytes.remove_prefix(whole ? end + 1 : bytes.size());
    if (whole && stream.begun.empty()) {
      add(stream, part);
      continue;
    }
    stream.begun += part;
    if (whole || stream.begun.size() >= kLineMax) add(stream, std::exchange(stream.begun, ""));
  }
  print(stream);
}

void ProgramOutput::print(Stream& stream) {
  if (lines_.empty()) return;
  OutputSink& sink = stream.kind == ipc::OutputStream::kErr ? places_.err : places_.out;
  ipc::add(setting_.counts.output_lines, count_);
  if (!sink.write(lines_)) ipc::add(setting_.counts.output_dropped, count_);
  lines_.clear();
  count_ = 0;
}

void ProgramOutput::add(Stream& stream, std::string_view line) {
  lines_.append(setting_.prefix).append(line).push_back('\n');
  ++count_;
  line = line.substr(0, ipc::kOutputLine);
  places_.board.append(setting_.row,
                       {.sequence = ++places_.sequence,
                        .at = now_,
                        .size = static_cast<std::uint32_t>(line.size()),
                        .stream = stream.kind},
                       line);
  if (stream.kind != ipc::OutputStream::kErr) return;
  last_.emplace_back(line);
  last_bytes_ += line.size() + 1;
  while (last_.size() > kLastLines || last_bytes_ > ipc::kLastWords) {
    last_bytes_ -= last_.front().size() + 1;
    last_.pop_front();
  }
}

std::string ProgramOutput::last_words() const {
  std::string text;
  for (const std::string& line : last_) text += line + "\n";
  return text;
}

}  // namespace roundhouse::edge
