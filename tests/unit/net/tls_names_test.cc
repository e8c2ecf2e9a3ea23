#include "net/tls_names.h"

#include <gtest/gtest.h>

namespace roundhouse {
namespace {

class Names : public testing::Test {
 protected:
  Names() {
    for (const char* name : {"site.test", "*.site.test", "www.site.test", "*.test"})
      names_[name] = name;
  }
  std::string find(std::string_view asked) const {
    const std::string* const found = names_.find(asked);
    return found == nullptr ? "" : *found;
  }
  TlsNames<std::string> names_;
};

TEST_F(Names, TheExactOneComesFirst) {
  EXPECT_EQ(find("site.test"), "site.test");
  EXPECT_EQ(find("www.site.test"), "www.site.test");
}

TEST_F(Names, AWildcardIsOneLabel) {
  EXPECT_EQ(find("a.site.test"), "*.site.test");
  EXPECT_EQ(find("a.b.site.test"), "");
  EXPECT_EQ(find("other.test"), "*.test");
  EXPECT_EQ(find("test"), "");
}

TEST_F(Names, CaseAndADotAtTheEndDoNotMatter) {
  EXPECT_EQ(find("WWW.Site.TEST"), "www.site.test");
  EXPECT_EQ(find("site.test."), "site.test");
}

TEST_F(Names, WhatIsNoNameFindsNothing) {
  for (const char* asked : {"", ".", ".test", "*.site.test", "*", "..", "a..test"})
    EXPECT_EQ(find(asked), "") << asked;
}

}  // namespace
}  // namespace roundhouse
