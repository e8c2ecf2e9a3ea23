#include "ipc/output_board.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include "base/check.h"

namespace roundhouse::ipc {
namespace {

constexpr std::size_t padded(std::size_t size) { return sizeof(OutputRecord) + (size + 7) / 8 * 8; }

// Copies to and from a ring, round its end.
void put(OutputRow& row, std::uint64_t at, const void* from, std::size_t size) {
  const std::size_t begin = at % kOutputRing;
  const std::size_t first = std::min(size, kOutputRing - begin);
  std::memcpy(row.ring + begin, from, first);
  std::memcpy(row.ring, static_cast<const char*>(from) + first, size - first);
}

void get(const char* ring, std::uint64_t at, void* to, std::size_t size) {
  const std::size_t begin = at % kOutputRing;
  const std::size_t first = std::min(size, kOutputRing - begin);
  std::memcpy(to, ring + begin, first);
  std::memcpy(static_cast<char*>(to) + first, ring, size - first);
}

}  // namespace

Result<OutputBoard> OutputBoard::create(std::size_t rows) {
  OutputBoard board;
  const std::size_t size = rows * sizeof(OutputRow);
  board.fd_ = TRY(create_memory("roundhouse-output", size));
  board.mapping_ = TRY(map_memory(board.fd_.get(), size, Access::kReadWrite));
  board.rows_ = rows;  // zeroes are what the constructors would write
  TRY_VOID(seal_for_readers(board.fd_.get()));
  return board;
}

Result<OutputBoard> OutputBoard::open(UniqueFd fd, std::size_t rows) {
  OutputBoard board;
  board.fd_ = std::move(fd);
  board.mapping_ = TRY(map_memory(board.fd_.get(), rows * sizeof(OutputRow), Access::kReadOnly));
  board.rows_ = rows;
  return board;
}

void OutputBoard::append(std::size_t index, const OutputRecord& record,
                         std::string_view text) const {
  CHECK(index < rows_ && text.size() <= kOutputLine && record.size == text.size());
  OutputRow& row = this->row(index);
  const std::uint64_t end = row.end.load(std::memory_order_relaxed);
  std::uint64_t begin = row.begin.load(std::memory_order_relaxed);
  while (end + padded(text.size()) - begin > kOutputRing) {
    OutputRecord oldest;
    get(row.ring, begin, &oldest, sizeof oldest);
    begin += padded(oldest.size);
  }
  row.begin.store(begin, std::memory_order_release);
  std::atomic_thread_fence(std::memory_order_seq_cst);  // readers see `begin` before what follows
  put(row, end, &record, sizeof record);
  put(row, end + sizeof record, text.data(), text.size());
  row.end.store(end + padded(text.size()), std::memory_order_release);
}

std::vector<OutputLine> OutputBoard::lines(std::size_t index, std::uint64_t after) const {
  std::vector<OutputLine> found;
  if (index >= rows_) return found;
  const OutputRow& row = this->row(index);
  std::uint64_t at = row.begin.load(std::memory_order_acquire);
  const std::uint64_t end = row.end.load(std::memory_order_acquire);
  const std::vector<char> copy(row.ring, row.ring + kOutputRing);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const std::uint64_t whole = row.begin.load(std::memory_order_acquire);
  for (OutputRecord record; at + sizeof record <= end; at += padded(record.size)) {
    get(copy.data(), at, &record, sizeof record);
    if (record.size > kOutputLine) break;  // torn; and nothing behind it can be found
    if (at < whole || record.sequence <= after) continue;
    OutputLine& line = found.emplace_back(OutputLine{
        .sequence = record.sequence, .at = record.at, .stream = record.stream, .text = {}});
    line.text.resize(record.size);
    get(copy.data(), at + sizeof record, line.text.data(), record.size);
  }
  return found;
}

void OutputBoard::keep_last_words(std::size_t index, std::size_t exit, std::int32_t pid,
                                  std::string_view text) const {
  CHECK(index < rows_ && text.size() <= kLastWords);
  OutputRow::LastWords& words = row(index).last_words[exit % kKeptExits];
  words.pid = 0;
  words.size = static_cast<std::uint32_t>(text.size());
  std::memcpy(words.text, text.data(), text.size());
  words.pid = pid;
}

std::string OutputBoard::last_words(std::size_t index, std::int32_t pid) const {
  if (index >= rows_) return "";
  for (const OutputRow::LastWords& words : row(index).last_words) {
    if (words.pid == pid) return {words.text, std::min<std::size_t>(words.size, kLastWords)};
  }
  return "";
}

}  // namespace roundhouse::ipc
