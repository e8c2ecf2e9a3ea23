#include "ipc/endpoint_board.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace roundhouse::ipc {
namespace {

Time at(int seconds) { return Time(std::chrono::seconds(seconds)); }

Address address(std::uint32_t last, std::uint16_t port = 80) {
  return Address::ipv4(0x0A000000 + last, port);
}

WantedEndpoint wanted(std::uint32_t last, std::uint32_t weight = 1) {
  return {address(last), address(last).to_string(), weight};
}

class EndpointTableTest : public testing::Test {
 protected:
  // Rows in use of an upstream: "0:10.0.0.1:80 2:10.0.0.3:80".
  std::string in_use(std::uint32_t upstream) const {
    std::string text;
    for (std::size_t i = 0; i < kMaxEndpoints; ++i) {
      const EndpointRow& row = table_->rows[i];
      if (row.in_use == 0 || row.upstream != upstream) continue;
      text += (text.empty() ? "" : " ") + std::to_string(i) + ":" + row.address()->to_string();
    }
    return text;
  }
  EndpointTable::Outcome assign(const std::vector<WantedEndpoint>& all, Time now = at(1)) {
    return table_->assign(0, all, now);
  }

  std::unique_ptr<EndpointTable> table_ = std::make_unique<EndpointTable>();
};

TEST_F(EndpointTableTest, AnAddressThatComesBackGetsTheRowThatItHad) {
  assign({wanted(1), wanted(2), wanted(3)});
  EXPECT_TRUE(assign({wanted(3), wanted(4)}).changed);
  EXPECT_EQ(in_use(0), "2:10.0.0.3:80 3:10.0.0.4:80");
  assign({wanted(2), wanted(3)});
  EXPECT_EQ(in_use(0), "1:10.0.0.2:80 2:10.0.0.3:80");
}

TEST_F(EndpointTableTest, TheSameAgainInAnotherOrderChangesNothing) {
  assign({wanted(1), wanted(2)});
  EXPECT_FALSE(assign({wanted(2), wanted(1)}).changed);
  EXPECT_TRUE(assign({wanted(2), wanted(1, 5)}).changed) << "another weight does";
  EXPECT_EQ(table_->rows[0].weight, 5U);
}

TEST_F(EndpointTableTest, ConfiguredOnesStayWhateverIsFoundByName) {
  EXPECT_TRUE(table_->configure(0, {address(1), "localhost:80", 3}));
  EXPECT_TRUE(table_->configure(0, {address(1), "again:80", 1}));
  assign({wanted(1), wanted(2)});
  assign({});
  EXPECT_EQ(in_use(0), "0:10.0.0.1:80");
  EXPECT_EQ(table_->rows[0].name(), "localhost:80");
  EXPECT_EQ(table_->rows[0].weight, 3U);
}

TEST_F(EndpointTableTest, UpstreamsWithTheSameAddressHaveRowsOfTheirOwn) {
  table_->assign(0, std::vector{wanted(1)}, at(1));
  table_->assign(1, std::vector{wanted(1)}, at(1));
  table_->assign(0, {}, at(2));
  EXPECT_EQ(in_use(0), "");
  EXPECT_EQ(in_use(1), "1:10.0.0.1:80");
}

TEST_F(EndpointTableTest, WhenAllRowsAreTakenTheOneUnusedForLongestIsUsedAgain) {
  std::vector<WantedEndpoint> all;
  for (std::uint32_t i = 0; i < kMaxEndpoints; ++i) all.push_back(wanted(i));
  assign(all);
  std::erase_if(all, [](const auto& e) { return e.address == address(7); });
  assign(all, at(10));
  std::erase_if(all, [](const auto& e) { return e.address == address(3); });
  assign(all, at(20));
  all.push_back(wanted(5000));
  EXPECT_EQ(assign(all, at(30)).left_out, 0U);
  EXPECT_EQ(table_->rows[7].address(), address(5000));
  all.push_back(wanted(5001));
  all.push_back(wanted(5002));
  EXPECT_EQ(assign(all, at(40)).left_out, 1U);
  EXPECT_EQ(table_->rows[3].address(), address(5001));
}

TEST_F(EndpointTableTest, WhatIsNewOrBackIsWellUntilTheProbesSayOtherwise) {
  assign({wanted(1)});
  EXPECT_TRUE(table_->set_healthy(0, false));
  EXPECT_FALSE(table_->set_healthy(0, false)) << "no news";
  EXPECT_FALSE(table_->serves(0));
  assign({wanted(1), wanted(2)});
  EXPECT_EQ(table_->rows[0].healthy, 0) << "one that stays keeps its health";
  EXPECT_TRUE(table_->serves(0));
  assign({});
  assign({wanted(1)});
  EXPECT_EQ(table_->rows[0].healthy, 1);
}

TEST_F(EndpointTableTest, ARowThatHoldsNoAddressIsSeenAsOne) {
  EndpointRow row{};
  EXPECT_FALSE(row.address());
  row.address_size = 0xFFFF;
  EXPECT_FALSE(row.address());
  row.address_size = sizeof(sockaddr_in6);
  row.address_bytes[0] = AF_INET;
  EXPECT_FALSE(row.address());
  std::fill(std::begin(row.name_text), std::end(row.name_text), 'x');
  EXPECT_EQ(row.name().size(), kEndpointName);
}

class EndpointBoardTest : public EndpointTableTest {
 protected:
  void publish() { board_.publish(*table_); }
  EndpointBoard board_ = EndpointBoard::create().value();
};

TEST_F(EndpointBoardTest, AReaderSeesTheLastThatWasPublished) {
  assign({wanted(1)});
  publish();
  const auto reader =
      EndpointBoard::open(board_.open_for_readers().value(), Access::kReadOnly).value();
  const auto copy = std::make_unique<EndpointTable>();
  const std::uint64_t epoch = reader.epoch();
  EXPECT_EQ(reader.read(*copy), epoch);
  EXPECT_EQ(copy->rows[0].name(), "10.0.0.1:80");
  table_->set_healthy(0, false);
  EXPECT_EQ(reader.epoch(), epoch) << "not yet";
  publish();
  EXPECT_NE(reader.epoch(), epoch);
  reader.read(*copy);
  EXPECT_EQ(copy->rows[0].healthy, 0);
}

TEST_F(EndpointBoardTest, AReaderCannotWrite) {
  const UniqueFd fd = board_.open_for_readers().value();
  EXPECT_EQ(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0), MAP_FAILED);
  EXPECT_LT(::write(fd.get(), "x", 1), 0);
  void* const mapped = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd.get(), 0);
  ASSERT_NE(mapped, MAP_FAILED);
  EXPECT_NE(::mprotect(mapped, 4096, PROT_READ | PROT_WRITE), 0);
  ::munmap(mapped, 4096);
}

TEST_F(EndpointBoardTest, TheNextMonitorGoesOnFromIt) {
  assign({wanted(1)});
  table_->set_healthy(0, false);
  publish();
  add(board_.probes(0).failed, 3);
  auto next = EndpointBoard::open(UniqueFd(::dup(board_.fd())), Access::kReadWrite).value();
  ASSERT_NE(next.read(*table_), 0U);
  EXPECT_EQ(table_->rows[0].healthy, 0);
  add(next.probes(0).failed);
  EXPECT_EQ(board_.probes(0).failed.load(), 4U);
}

TEST_F(EndpointBoardTest, ReadersNeverSeeHalfOfAChange) {
  std::jthread writer([this](const std::stop_token& stop) {
    for (std::uint32_t n = 1; !stop.stop_requested(); ++n) {
      for (EndpointRow& row : table_->rows) row.weight = n;
      publish();
    }
  });
  const auto copy = std::make_unique<EndpointTable>();
  for (int seen = 0; seen < 1000;) {
    if (board_.read(*copy) == 0) continue;
    ++seen;
    for (const EndpointRow& row : copy->rows) ASSERT_EQ(row.weight, copy->rows[0].weight);
  }
}

}  // namespace
}  // namespace roundhouse::ipc
