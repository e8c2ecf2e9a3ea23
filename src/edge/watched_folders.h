// Where a change of a file can be seen: in its folder, and in that of every symbolic link on the
// way to it. certbot puts links in one folder to files in another; Kubernetes swaps a link that is
// in the middle of the path.
#pragma once

#include <map>
#include <set>
#include <string>

namespace roundhouse::edge {

// By folder, the names in it that matter. Of what is missing: the nearest folder that there is.
using WatchedFolders = std::map<std::string, std::set<std::string>>;

void add_folders_of(const std::string& path, WatchedFolders& folders);

}  // namespace roundhouse::edge
