# cmake -DSOURCE=… -DHEADER=… -P commit.cmake: writes a header with the commit of the sources. Those that are no git
# checkout of their own, such as an archive, have none.
set(commit unknown)
set(number 0)
find_program(GIT git)
if(GIT)
  execute_process(COMMAND ${GIT} -C ${SOURCE} rev-parse --show-toplevel
                  OUTPUT_VARIABLE top OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  file(REAL_PATH ${SOURCE} source)
  if(top STREQUAL source)
    execute_process(COMMAND ${GIT} -C ${SOURCE} describe --always --dirty --abbrev=9 --exclude=*
                    OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    execute_process(COMMAND ${GIT} -C ${SOURCE} rev-list --count HEAD
                    OUTPUT_VARIABLE counted OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(described AND counted)
      set(commit ${described})
      set(number ${counted})
    endif()
  endif()
endif()
file(CONFIGURE OUTPUT ${HEADER} CONTENT "#define HALCYON_COMMIT \"${commit}\"\n#define HALCYON_BUILD_NUMBER ${number}\n")
