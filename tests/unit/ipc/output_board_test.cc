#include "ipc/output_board.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <string>

namespace roundhouse::ipc {
namespace {

UniqueFd copy_of(int fd) { return UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0)); }

class OutputBoardTest : public testing::Test {
 protected:
  void print(std::size_t row, const std::string& text) {
    board_.append(row,
                  {.sequence = ++sequence_,
                   .at = 1000,
                   .size = static_cast<std::uint32_t>(text.size()),
                   .stream = OutputStream::kOut},
                  text);
  }
  std::string told(std::size_t row, std::uint64_t after = 0) {
    std::string all;
    for (const OutputLine& line : reader_.lines(row, after)) all += line.text + "\n";
    return all;
  }

  std::uint64_t sequence_ = 0;
  OutputBoard board_ = OutputBoard::create(2).value();
  OutputBoard reader_ = OutputBoard::open(copy_of(board_.fd()), 2).value();
};

TEST_F(OutputBoardTest, TellsTheLinesOfEachPlaceInTheirOrder) {
  print(0, "one");
  print(1, "other");
  print(0, "");
  print(0, "three");
  EXPECT_EQ(told(0), "one\n\nthree\n");
  EXPECT_EQ(told(1), "other\n");
  EXPECT_EQ(told(0, 3), "three\n") << "those after the third of all";
  EXPECT_EQ(told(0, 4), "");
}

TEST_F(OutputBoardTest, KeepsTheLatestLinesThatFit) {
  const std::string line(1000, 'x');
  for (int i = 0; i < 1000; ++i) print(0, std::to_string(i) + line);
  const auto lines = reader_.lines(0, 0);
  ASSERT_GT(lines.size(), 50U);
  EXPECT_EQ(lines.back().text, "999" + line);
  for (std::size_t i = 1; i < lines.size(); ++i)
    EXPECT_EQ(lines[i].sequence, lines[i - 1].sequence + 1);
}

TEST_F(OutputBoardTest, KeepsTheLastWordsOfTheLastProcesses) {
  for (std::size_t exit = 0; exit < kKeptExits + 1; ++exit)
    board_.keep_last_words(1, exit, static_cast<std::int32_t>(100 + exit),
                           "words of " + std::to_string(exit));
  EXPECT_EQ(reader_.last_words(1, 105), "words of 5");
  EXPECT_EQ(reader_.last_words(1, 101), "words of 1");
  EXPECT_EQ(reader_.last_words(1, 100), "") << "they had to go";
  EXPECT_EQ(reader_.last_words(0, 105), "");
}

TEST_F(OutputBoardTest, AReaderCannotWrite) {
  const auto mapped = map_memory(board_.fd(), 2 * sizeof(OutputRow), Access::kReadWrite);
  EXPECT_FALSE(mapped);
}

}  // namespace
}  // namespace roundhouse::ipc
