#include "ipc/address_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace roundhouse::ipc {
namespace {

class AddressTableTest : public testing::Test {
 protected:
  std::vector<AddressTable::Cell> cells = std::vector<AddressTable::Cell>(16);
  AddressTable table{cells};

  std::size_t used() const {
    std::size_t count = 0;
    for (const auto& cell : cells) count += cell.load() != 0 ? 1 : 0;
    return count;
  }
};

TEST_F(AddressTableTest, CountsEachKey) {
  EXPECT_TRUE(table.add(5));
  EXPECT_TRUE(table.add(5));
  EXPECT_TRUE(table.add(6));
  EXPECT_EQ(table.count(5), 2);
  EXPECT_EQ(table.count(6), 1);
  EXPECT_EQ(table.count(7), 0);
}

TEST_F(AddressTableTest, AKeyThatIsGoneLeavesNothing) {
  table.add(5);
  table.add(5);
  table.remove(5);
  EXPECT_EQ(table.count(5), 1);
  table.remove(5);
  EXPECT_EQ(table.count(5), 0);
  EXPECT_EQ(used(), 0);
  table.remove(5);
  EXPECT_EQ(table.count(5), 0) << "below nothing there is nothing";
}

TEST_F(AddressTableTest, KeysOfOneHomeAreFoundWhicheverLeavesFirst) {
  // All at home in cell 15, so that they go round the end.
  const std::vector<std::uint64_t> keys = {15, 31, 47, 63};
  for (const std::uint64_t gone : keys) {
    table.clear();
    for (const std::uint64_t key : keys) table.add(key);
    table.remove(gone);
    for (const std::uint64_t key : keys) EXPECT_EQ(table.count(key), key == gone ? 0 : 1) << key;
    EXPECT_EQ(used(), 3);
  }
}

TEST_F(AddressTableTest, OneAtHomeBehindAGapStaysThere) {
  table.add(3);
  table.add(4);
  table.add(19);  // at home in 3, stands in 5
  table.remove(3);
  EXPECT_EQ(cells[4].load() & 0xff, 4);
  EXPECT_EQ(cells[3].load() & 0xff, 19);
  EXPECT_EQ(table.count(4), 1);
}

TEST_F(AddressTableTest, AFullTableCountsNoMoreAndGoesOn) {
  for (std::uint64_t key = 0; key < 16; ++key) EXPECT_TRUE(table.add(key));
  EXPECT_FALSE(table.add(99));
  EXPECT_EQ(table.count(99), 0);
  table.remove(99);
  for (std::uint64_t key = 0; key < 16; ++key) EXPECT_EQ(table.count(key), 1);
  table.remove(7);
  EXPECT_TRUE(table.add(99));
}

TEST_F(AddressTableTest, TheHighestCountStays) {
  cells[5].store(std::uint64_t{0xffff} << 48 | 5);
  EXPECT_FALSE(table.add(5));
  EXPECT_EQ(table.count(5), 65535);
}

TEST_F(AddressTableTest, EverySearchEndsWhateverTheMemoryHolds) {
  std::mt19937_64 random(1);  // NOLINT: the same each time
  for (int round = 0; round < 1000; ++round) {
    for (auto& cell : cells) cell.store(random());
    for (std::uint64_t key = 0; key < 32; ++key) {
      table.count(key);
      table.add(key);
      table.remove(key);
    }
  }
  table.clear();
  EXPECT_EQ(used(), 0);
}

TEST(AddressTable, AgreesWithAMapOverALongLife) {
  std::vector<AddressTable::Cell> cells(AddressTable::cells_for(200));
  AddressTable table(cells);
  std::map<std::uint64_t, std::uint32_t> truth;
  std::vector<std::uint64_t> open;
  std::mt19937_64 random(2);  // NOLINT: the same each time
  for (int step = 0; step < 100'000; ++step) {
    if (open.size() < 200 && (open.empty() || random() % 2 == 0)) {
      const std::uint64_t key = (random() % 60) * 0x9e3779b97f4a7c15;
      ASSERT_TRUE(table.add(key));
      ++truth[key & 0xffffffffffff];
      open.push_back(key);
    } else {
      std::swap(open[random() % open.size()], open.back());
      table.remove(open.back());
      --truth[open.back() & 0xffffffffffff];
      open.pop_back();
    }
    if (step % 1000 == 0) {
      for (const auto& [key, count] : truth) ASSERT_EQ(table.count(key), count);
    }
  }
}

}  // namespace
}  // namespace roundhouse::ipc
