#include <gtest/gtest.h>

#include "config/option_table.h"
#include "config/schema.h"
#include "golden_file.h"

namespace roundhouse::config {
namespace {

TEST(Generated, TheSchemaInTheRepositoryIsThatOfTheTable) {
  EXPECT_EQ(checkout_file("conf/roundhouse.schema.json"), to_schema())
      << "write it anew: ./dev generate";
}

TEST(Generated, TheReferencePageIsThatOfTheTable) {
  EXPECT_EQ(checkout_file("docs/configuration.md"), to_reference())
      << "write it anew: ./dev generate";
}

TEST(Generated, BothKnowEveryOption) {
  const std::string schema = to_schema();
  const std::string reference = to_reference();
  for (const Option& option : options()) {
    EXPECT_NE(schema.find("\"" + std::string(option.help) + "\""), std::string::npos) << option.key;
    EXPECT_NE(reference.find(std::string(option.key) + "` |"), std::string::npos) << option.key;
  }
}

}  // namespace
}  // namespace roundhouse::config
