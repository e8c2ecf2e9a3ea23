#include "ipc/operation.h"

#include <gtest/gtest.h>

namespace roundhouse::ipc {
namespace {

TEST(OperationRing, TellsWhatBecameOfATicket) {
  OperationRing ring;
  EXPECT_FALSE(find_operation(ring, 7));
  Operation operation{.ticket = 7, .kind = OperationKind::kScale, .began_at = 100};
  begin_operation(ring, operation);
  ASSERT_TRUE(find_operation(ring, 7));
  EXPECT_EQ(find_operation(ring, 7)->state, OperationState::kRunning);
  operation.state = OperationState::kFailed;
  operation.ended_at = 101;
  operation.text = "the new workers died";
  update_operation(ring, operation);
  const auto found = find_operation(ring, 7);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->state, OperationState::kFailed);
  EXPECT_EQ(found->kind, OperationKind::kScale);
  EXPECT_EQ(found->ended_at, 101);
  EXPECT_EQ(found->text, "the new workers died");
}

TEST(OperationRing, KeepsTheLastOnesAndCutsWhatIsTooLong) {
  OperationRing ring;
  for (std::uint64_t ticket = 1; ticket <= kKeptOperations + 1; ++ticket)
    begin_operation(ring, {.ticket = ticket, .text = std::string(2 * kOperationText, 'x')});
  EXPECT_FALSE(find_operation(ring, 1));
  for (std::uint64_t ticket = 2; ticket <= kKeptOperations + 1; ++ticket) {
    ASSERT_TRUE(find_operation(ring, ticket));
    EXPECT_EQ(find_operation(ring, ticket)->text.size(), kOperationText - 1);
  }
}

TEST(OperationRing, NoTicketIsFoundWhereNothingWasBegun) {
  const OperationRing ring;
  EXPECT_FALSE(find_operation(ring, 0));
}

}  // namespace
}  // namespace roundhouse::ipc
