# halcyon_library(NAME sources… [UNITY] [LINKS targets…]): one static library per folder of src/, reached as halcyon::NAME
# (backend/cpu: halcyon::backend_cpu). UNITY: where most of the compiler's time goes into the same templates in every file,
# those of JSON say, several files are compiled as one.
function(halcyon_library name)
  cmake_parse_arguments(ARG "UNITY" "" "LINKS" ${ARGN})
  string(REPLACE "/" "_" name ${name})
  set(target halcyon_${name})
  add_library(${target} STATIC ${ARG_UNPARSED_ARGUMENTS})
  string(REPLACE "/" "_" alias ${name})
  add_library(halcyon::${alias} ALIAS ${target})
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${target} PUBLIC ${ARG_LINKS})
  target_compile_options(${target} PRIVATE ${HALCYON_WARNINGS})
  if(ARG_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
  endif()
endfunction()

# halcyon_test(NAME sources… [LINKS targets…]): a GoogleTest program; CTest runs each of its tests as one of its own. What
# a test computes itself is little: it is not optimised, which halves the time of a build.
function(halcyon_test name)
  cmake_parse_arguments(ARG "" "" "LINKS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_LINKS} halcyon_test_support GTest::gmock GTest::gtest_main)
  target_compile_options(${name} PRIVATE ${HALCYON_WARNINGS} -O0)
  target_precompile_headers(${name} REUSE_FROM halcyon_test_support)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 600)
endfunction()

# halcyon_fuzzer(NAME source LINKS targets…): a libFuzzer program; the libraries are instrumented by the preset's flags.
function(halcyon_fuzzer name)
  cmake_parse_arguments(ARG "" "" "LINKS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_LINKS})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  add_dependencies(fuzzers ${name})
endfunction()

# halcyon_script_test(NAME test_file.py): a Python unittest file; CTest runs each of its test methods as one of its own.
function(halcyon_script_test name file)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  string(REGEX REPLACE "^test_(.*)\\.py$" "\\1" subject ${file})
  file(STRINGS ${file} methods REGEX "^    def test_")
  foreach(method ${methods})
    string(REGEX REPLACE "^    def test_([a-z0-9_]+).*" "\\1" method "${method}")
    add_test(NAME ${name}.${subject}.${method}
             COMMAND Python3::Interpreter -B ${CMAKE_CURRENT_SOURCE_DIR}/${file} -v -k *.test_${method})
    set_tests_properties(${name}.${subject}.${method} PROPERTIES
      ENVIRONMENT "HALCYON=$<TARGET_FILE:halcyon>" SKIP_REGULAR_EXPRESSION "OK \\(skipped=" TIMEOUT 600)
  endforeach()
endfunction()

set(HALCYON_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion)
