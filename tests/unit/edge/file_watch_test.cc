#include "edge/file_watch.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/process.h"

namespace roundhouse::edge {
namespace {

class AFileWatch : public testing::Test {
 protected:
  // Until it holds; fails after ten seconds.
  void run_until(const std::function<bool()>& condition) {
    const Time give_up = Clock::now() + std::chrono::seconds(10);
    Timer tick(*loop_, [&] {
      if (condition() || Clock::now() > give_up) loop_->stop();
    });
    tick.start_periodic(std::chrono::milliseconds(2));
    loop_->run();
    ASSERT_TRUE(condition());
  }
  void follow() { watch_.follow(paths_, FileWatch::stamps_of(paths_)); }

  const test::TemporaryDirectory directory_;
  const std::vector<std::string> paths_ = {directory_.write("a", "1"), directory_.write("b", "1")};
  std::unique_ptr<EventLoop> loop_ = std::move(*EventLoop::create());
  int told_ = 0;
  int not_now_ = 0;  // answers so often that it is to ask again
  FileWatch watch_{*loop_, [this] {
                     if (not_now_ > 0) {
                       --not_now_;
                       return false;
                     }
                     ++told_;
                     return true;
                   }};
};

TEST_F(AFileWatch, TellsOnceOfFilesThatAreWrittenTogether) {
  follow();
  directory_.write("a", "22");
  directory_.write("b", "22");
  run_until([&] { return told_ == 1; });
  directory_.write("c", "another in the folder");
  not_now_ = 1;  // asks for an answer that only a change of ours leads to
  directory_.write("b", "333");
  run_until([&] { return told_ == 2; });
  EXPECT_EQ(not_now_, 0);
}

TEST_F(AFileWatch, TellsOfWhatChangedBetweenReadingAndFollowing) {
  const FileWatch::Stamps read = FileWatch::stamps_of(paths_);
  directory_.write("b", "22");
  watch_.follow(paths_, read);
  run_until([&] { return told_ == 1; });
}

TEST_F(AFileWatch, AsksAgainWhenItIsNotTheTime) {
  not_now_ = 1;
  follow();
  directory_.write("a", "22");
  run_until([&] { return told_ == 1; });
  EXPECT_EQ(not_now_, 0);
}

TEST_F(AFileWatch, TellsOfAFileThatIsGoneAndOfItsReturn) {
  follow();
  std::filesystem::remove(paths_[0]);
  run_until([&] { return told_ == 1; });
  directory_.write("a", "1");
  run_until([&] { return told_ == 2; });
}

TEST_F(AFileWatch, FollowsALinkToAnotherFolder) {
  directory_.write("there/file", "1");
  std::filesystem::create_symlink(directory_.path() + "/there", directory_.path() + "/link");
  const std::vector<std::string> paths = {directory_.path() + "/link/file"};
  watch_.follow(paths, FileWatch::stamps_of(paths));
  directory_.write("there/file", "22");
  run_until([&] { return told_ == 1; });
}

}  // namespace
}  // namespace roundhouse::edge
