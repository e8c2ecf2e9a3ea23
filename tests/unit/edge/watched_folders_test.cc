#include "edge/watched_folders.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "edge/folder_watch.h"
#include "support/process.h"

namespace roundhouse::edge {
namespace {

class Folders : public testing::Test {
 protected:
  std::string at(const std::string& name) const { return directory_.path() + "/" + name; }
  WatchedFolders folders_of(const std::string& name) const {
    WatchedFolders folders;
    add_folders_of(at(name), folders);
    return folders;
  }
  void link(const std::string& target, const std::string& name) const {
    std::filesystem::create_symlink(target, at(name));
  }

  const test::TemporaryDirectory directory_;
};

using Names = std::set<std::string>;

TEST_F(Folders, OfAFileItIsItsOwn) {
  directory_.write("a/site.pem", "");
  EXPECT_EQ(folders_of("a/site.pem"), (WatchedFolders{{at("a"), {"site.pem"}}}));
}

TEST_F(Folders, ALinkIsWatchedAndWhatItLeadsTo) {
  directory_.write("archive/site1.pem", "");
  directory_.write("live/README", "");
  link("../archive/site1.pem", "live/site.pem");
  const WatchedFolders folders = folders_of("live/site.pem");
  ASSERT_EQ(folders.size(), 2U);
  EXPECT_EQ(folders.at(at("live")), Names{"site.pem"});
  EXPECT_EQ(folders.at(at("live/../archive")), Names{"site1.pem"});
}

TEST_F(Folders, ALinkInTheMiddleIsWatched) {
  directory_.write("..1/tls.crt", "");
  link("..1", "..data");
  link("..data/tls.crt", "tls.crt");
  EXPECT_EQ(folders_of("tls.crt"),
            (WatchedFolders{{at(".").substr(0, at(".").size() - 2), {"tls.crt", "..data"}},
                            {at("..1"), {"tls.crt"}}}));
}

TEST_F(Folders, OfWhatIsMissingTheNearestOneIsWatched) {
  EXPECT_EQ(folders_of("none/site.pem"), (WatchedFolders{{directory_.path(), {"none"}}}));
}

TEST_F(Folders, LinksInACircleEnd) {
  link("b", "a");
  link("a", "b");
  EXPECT_EQ(folders_of("a"), (WatchedFolders{{directory_.path(), {"a", "b"}}}));
}

class FolderWatchTest : public Folders {
 protected:
  bool changes() {
    Timer give_up(*loop_, [this] { loop_->stop(); });
    give_up.start_once(std::chrono::seconds(20));
    loop_->run();
    return std::exchange(changed_, false);
  }

  std::unique_ptr<EventLoop> loop_ = *EventLoop::create();
  bool changed_ = false;
  FolderWatch watch_{*loop_, [this] {
                       changed_ = true;
                       loop_->stop();
                     }};
};

TEST_F(FolderWatchTest, ANameThatMattersIsTold) {
  directory_.write("a/site.pem", "1");
  EXPECT_TRUE(watch_.set(folders_of("a/site.pem")));
  EXPECT_FALSE(watch_.set(folders_of("a/site.pem"))) << "it was watched before";
  directory_.write("a/site.pem", "2");
  EXPECT_TRUE(changes());
}

TEST_F(FolderWatchTest, AFolderByTwoPathsIsTheSameAndNoNewsEachTime) {
  directory_.write("a/site.pem", "1");
  directory_.write("a/site.key", "1");
  WatchedFolders folders = folders_of("a/site.pem");
  add_folders_of(at("a/./site.key"), folders);
  ASSERT_EQ(folders.size(), 2U);
  EXPECT_TRUE(watch_.set(folders));
  EXPECT_EQ(watch_.watched(), 1U);
  EXPECT_FALSE(watch_.set(folders)) << "else it would be looked at without end";
  directory_.write("a/site.key", "2");
  EXPECT_TRUE(changes());
}

TEST_F(FolderWatchTest, OthersInTheSameFolderAreNot) {
  directory_.write("a/site.pem", "1");
  directory_.write("b/end", "1");
  WatchedFolders folders = folders_of("a/site.pem");
  add_folders_of(at("b/end"), folders);
  watch_.set(folders);
  int told = 0;
  FolderWatch only_a(*loop_, [&] { ++told; });
  only_a.set(folders_of("a/site.pem"));
  directory_.write("a/other", "1");
  directory_.write("b/end", "2");
  EXPECT_TRUE(changes());
  EXPECT_EQ(told, 0);
}

TEST_F(FolderWatchTest, AFolderThatIsMovedAwayIsTold) {
  directory_.write("a/site.pem", "1");
  watch_.set(folders_of("a/site.pem"));
  std::filesystem::rename(at("a"), at("b"));
  EXPECT_TRUE(changes());
}

TEST_F(FolderWatchTest, WhatIsNoLongerAskedForIsNotWatched) {
  directory_.write("a/site.pem", "1");
  watch_.set(folders_of("a/site.pem"));
  EXPECT_EQ(watch_.watched(), 1U);
  watch_.set({});
  EXPECT_EQ(watch_.watched(), 0U);
}

}  // namespace
}  // namespace roundhouse::edge
