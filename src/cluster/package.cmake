# The room `cluster` as a product: libroundhouse-cluster, shared and static, and what CMake and pkg-config know of it.
# Everything that it needs of the other rooms is inside; the public headers need the standard library alone.

set(CLUSTER_ROOMS cluster proxy upstream edge native config ipc http net base)
set(CLUSTER_PRIVATE_LIBRARIES event_core nghttp2 spdlog fmt)  # of the static library

# Only the API can be seen.
add_library(roundhouse_cluster_shared SHARED $<TARGET_OBJECTS:roundhouse_cluster>)
target_link_libraries(roundhouse_cluster_shared PRIVATE roundhouse_cluster)
target_link_options(roundhouse_cluster_shared PRIVATE
                    -Wl,--version-script=${CMAKE_CURRENT_SOURCE_DIR}/cluster/exports.map -Wl,--as-needed -Wl,--no-undefined)
set_target_properties(roundhouse_cluster_shared PROPERTIES OUTPUT_NAME roundhouse-cluster VERSION ${PROJECT_VERSION}
                      SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
                      LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/cluster/exports.map)

# One archive out of those of the rooms.
set(archive ${CMAKE_CURRENT_BINARY_DIR}/libroundhouse-cluster.a)
set(script "CREATE ${archive}\n")
foreach(room ${CLUSTER_ROOMS})
  string(APPEND script "ADDLIB $<TARGET_FILE:roundhouse_${room}>\n")
  list(APPEND room_targets roundhouse_${room})
endforeach()
file(GENERATE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/cluster.mri CONTENT "${script}SAVE\nEND\n")
add_custom_command(OUTPUT ${archive} COMMAND ${CMAKE_COMMAND} -E rm -f ${archive}
                   COMMAND ${CMAKE_AR} -M < ${CMAKE_CURRENT_BINARY_DIR}/cluster.mri
                   DEPENDS ${room_targets} ${CMAKE_CURRENT_BINARY_DIR}/cluster.mri VERBATIM)
add_custom_target(roundhouse_cluster_static ALL DEPENDS ${archive})

include(CMakePackageConfigHelpers)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/RoundhouseCluster)
configure_package_config_file(cluster/RoundhouseClusterConfig.cmake.in RoundhouseClusterConfig.cmake
                              INSTALL_DESTINATION ${package} PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(RoundhouseClusterConfigVersion.cmake COMPATIBILITY SameMinorVersion)
list(TRANSFORM CLUSTER_PRIVATE_LIBRARIES PREPEND -l OUTPUT_VARIABLE private_libraries)
list(JOIN private_libraries " " CLUSTER_PRIVATE_FLAGS)
# Relative, so that it is right wherever it is installed.
file(RELATIVE_PATH CLUSTER_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cluster/roundhouse-cluster.pc.in roundhouse-cluster.pc @ONLY)

install(TARGETS roundhouse_cluster_shared COMPONENT library)
install(FILES ${archive} DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library)
install(DIRECTORY cluster/public/roundhouse DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT library)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/RoundhouseClusterConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/RoundhouseClusterConfigVersion.cmake DESTINATION ${package} COMPONENT library)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/roundhouse-cluster.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
        COMPONENT library)
