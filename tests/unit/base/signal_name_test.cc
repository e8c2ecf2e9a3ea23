#include "base/signal_name.h"

#include <gtest/gtest.h>

#include <csignal>

namespace roundhouse {
namespace {

TEST(SignalName, IsTheOneThatOperatorsKnow) {
  EXPECT_EQ(signal_name(SIGKILL), "SIGKILL");
  EXPECT_EQ(signal_name(SIGSEGV), "SIGSEGV");
  EXPECT_EQ(signal_name(SIGABRT), "SIGABRT");
  EXPECT_EQ(signal_name(SIGBUS), "SIGBUS");
  EXPECT_EQ(signal_name(SIGFPE), "SIGFPE");
  EXPECT_EQ(signal_name(SIGILL), "SIGILL");
  EXPECT_EQ(signal_name(SIGTERM), "SIGTERM");
}

TEST(SignalName, OfZeroIsNone) { EXPECT_EQ(signal_name(0), "none"); }

TEST(SignalName, OfARealTimeSignalCountsFromTheFirst) {
  EXPECT_EQ(signal_name(SIGRTMIN + 3), "SIGRTMIN+3");
}

TEST(SignalName, OfANumberThatIsNoSignalSaysTheNumber) { EXPECT_EQ(signal_name(999), "SIG999"); }

}  // namespace
}  // namespace roundhouse
