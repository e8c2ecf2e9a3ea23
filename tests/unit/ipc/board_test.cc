#include "ipc/board.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

namespace roundhouse::ipc {
namespace {

UniqueFd duplicate(int fd) { return UniqueFd(::dup(fd)); }

TEST(Board, ReadersSeeWhatTheEdgeWritesAndCannotWrite) {
  auto board = Board::create(3, 2);
  ASSERT_TRUE(board) << board.error().message;
  auto reader = Board::open(duplicate(board->fd()));
  ASSERT_TRUE(reader) << reader.error().message;
  add(board->worker(2).given, 5);
  board->listener(1).paused.store(2);
  EXPECT_EQ(reader->workers(), 3u);
  EXPECT_EQ(reader->worker(2).given.load(), 5u);
  EXPECT_EQ(reader->listener(1).paused.load(), 2u);
  EXPECT_EQ(::mmap(nullptr, 4096, PROT_WRITE, MAP_SHARED, board->fd(), 0), MAP_FAILED);
}

TEST(Board, KeepsTheNewestExitsNewestFirst) {
  auto board = *Board::create(1, 1);
  for (int i = 1; i <= static_cast<int>(kKeptExits) + 2; ++i) {
    ExitRecord record{};
    record.pid = i;
    write_exit(board.worker(0), record);
  }
  ExitRecord exits[kKeptExits];
  ASSERT_EQ(read_exits(board.worker(0), exits), kKeptExits);
  EXPECT_EQ(exits[0].pid, static_cast<int>(kKeptExits) + 2);
  EXPECT_EQ(exits[kKeptExits - 1].pid, 3);
}

TEST(SharedMemory, OfAnotherKindOrTooSmallIsRefused) {
  auto slot = *Shared<Slot>::create("slot");
  EXPECT_TRUE(Shared<Slot>::open(duplicate(slot.fd()), Access::kReadOnly));
  EXPECT_FALSE(Board::open(duplicate(slot.fd())));
  auto small = *create_memory("small", 16);
  EXPECT_FALSE(Shared<Slot>::open(std::move(small), Access::kReadOnly));
}

TEST(SharedMemory, AWorkerCannotSealItsSlotAgainstTheNextOne) {
  auto slot = *Shared<Slot>::create("slot");
  EXPECT_NE(::fcntl(slot.fd(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
  EXPECT_TRUE(Shared<Slot>::open(duplicate(slot.fd()), Access::kReadWrite));
}

TEST(SharedMemory, ASealedFileReadsBackAndCannotChange) {
  auto fd = *create_sealed_file("configuration", "listeners: {}\n");
  EXPECT_EQ(*read_sealed_file(fd.get()), "listeners: {}\n");
  EXPECT_LT(::pwrite(fd.get(), "x", 1, 0), 0);
}

TEST(Slot, CountersSurviveAReplacementAndGaugesDoNot) {
  auto slot = *Shared<Slot>::create("slot");
  add(slot->requests_total, 10);
  increment(slot->connections_active);
  slot->taken.store(9);
  ASSERT_NE(claim_in_flight(*slot, "GET /"), nullptr);
  reset_gauges(*slot, 123);
  EXPECT_EQ(slot->requests_total.load(), 10u);
  EXPECT_EQ(slot->connections_active.load(), 0u);
  EXPECT_EQ(slot->taken.load(), 0u);
  EXPECT_EQ(slot->in_flight[0].used.load(), 0u);
}

TEST(Slot, HandoffsFallIntoTheirBucket) {
  auto slot = *Shared<Slot>::create("slot");
  record_handoff(*slot, kHandoffBounds[0]);
  record_handoff(*slot, kHandoffBounds[0] + 1);
  record_handoff(*slot, 60'000'000'000);
  EXPECT_EQ(slot->handoff_buckets[0].load(), 1u);
  EXPECT_EQ(slot->handoff_buckets[1].load(), 1u);
  EXPECT_EQ(slot->handoff_buckets[kHandoffBuckets - 1].load(), 1u);
}

TEST(Slot, InFlightTextsAreBoundedInNumberAndLength) {
  auto slot = *Shared<Slot>::create("slot");
  InFlightText* first = claim_in_flight(*slot, std::string(1000, 'x'));
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(std::string_view(first->text).size(), kInFlightText - 1);
  for (std::size_t i = 1; i < kInFlightTexts; ++i) EXPECT_NE(claim_in_flight(*slot, "y"), nullptr);
  EXPECT_EQ(claim_in_flight(*slot, "z"), nullptr);
  release_in_flight(first);
  EXPECT_EQ(claim_in_flight(*slot, "z"), first);
}

}  // namespace
}  // namespace roundhouse::ipc
