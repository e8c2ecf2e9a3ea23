#include "edge/certificate_ledger.h"

#include <gtest/gtest.h>

namespace roundhouse::edge {
namespace {

using News = CertificateLedger::News;

class Ledger : public testing::Test {
 protected:
  Time now_{std::chrono::hours(1)};
  CertificateLedger ledger_;
};

TEST_F(Ledger, AWorkerUsesWhatItWasStartedWithAndOwesNothing) {
  ledger_.started(0, 5);
  EXPECT_EQ(ledger_.used(0), 5U);
  EXPECT_EQ(ledger_.owing(), 0U);
  EXPECT_EQ(ledger_.used(1), 0U);
}

TEST_F(Ledger, AnAnswerIsOwedUntilItComes) {
  ledger_.started(0, 5);
  ledger_.started(1, 5);
  ledger_.given(0, 6);
  ledger_.given(1, 6);
  EXPECT_EQ(ledger_.owing(), 2U);
  EXPECT_EQ(ledger_.answered(0, 6, "", now_), News::kNone);
  EXPECT_EQ(ledger_.used(0), 6U);
  EXPECT_EQ(ledger_.owing(), 1U);
  ledger_.left(1);
  EXPECT_EQ(ledger_.owing(), 0U) << "who has gone owes nothing";
}

TEST_F(Ledger, AnAnswerToOlderOnesIsNotTheOneThatIsOwed) {
  ledger_.started(0, 5);
  ledger_.given(0, 6);
  ledger_.given(0, 7);
  ledger_.answered(0, 6, "", now_);
  EXPECT_EQ(ledger_.owing(), 1U);
}

TEST_F(Ledger, ARefusalIsNewsOnceAndTheOldOnesGoOn) {
  ledger_.started(0, 5);
  ledger_.given(0, 6);
  EXPECT_EQ(ledger_.answered(0, 6, "no memory", now_), News::kRefused);
  EXPECT_EQ(ledger_.used(0), 5U);
  EXPECT_EQ(ledger_.owing(), 0U);
  EXPECT_TRUE(ledger_.refuses(0));
  EXPECT_EQ(ledger_.refusing(), 1U);
  EXPECT_EQ(ledger_.refusal(), "no memory");
  EXPECT_EQ(ledger_.answered(0, 6, "no memory", now_), News::kNone);
  EXPECT_EQ(ledger_.answered(0, 6, "", now_), News::kAcceptedAgain);
  EXPECT_EQ(ledger_.used(0), 6U);
  EXPECT_EQ(ledger_.refusing(), 0U);
}

TEST_F(Ledger, WhoeverRefusesGetsThemAgainAfterAWhile) {
  ledger_.started(0, 5);
  ledger_.given(0, 6);
  ledger_.answered(0, 6, "no memory", now_);
  EXPECT_TRUE(ledger_.due_again(now_).empty());
  now_ += CertificateLedger::kAgain;
  EXPECT_EQ(ledger_.due_again(now_), std::vector<std::size_t>{0});
  EXPECT_TRUE(ledger_.due_again(now_).empty());
  ledger_.answered(0, 6, "", now_);
  EXPECT_TRUE(ledger_.due_again(now_ + 2 * CertificateLedger::kAgain).empty());
}

TEST_F(Ledger, TheAnswerOfWhoHasLeftIsNothing) {
  ledger_.started(0, 5);
  ledger_.left(0);
  EXPECT_EQ(ledger_.answered(0, 5, "no memory", now_), News::kNone);
  EXPECT_EQ(ledger_.refusing(), 0U);
}

}  // namespace
}  // namespace roundhouse::edge
