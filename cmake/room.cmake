# room(NAME SOURCES … [USES ROOM …] [LIBS TARGET …] [TESTS test_x.c …] [FUZZ fuzz_x.c …])
#
# One folder, one room, one static library. Its only public include directory is its own: include/NAME for the rooms that
# both planes use, the folder itself for the others. USES is linked privately, so the headers of a room are seen by the
# rooms that name it and by nobody else: an include against the arrows does not compile.
# LIBS are outside libraries. Each file of TESTS is a program of its own, run by ctest. Each file of FUZZ is a libFuzzer
# target, built by the preset `fuzz` alone.
function(room name)
	cmake_parse_arguments(R "" "" "SOURCES;USES;LIBS;TESTS;FUZZ" ${ARGN})
	if(R_UNPARSED_ARGUMENTS)
		message(FATAL_ERROR "room ${name}: what is '${R_UNPARSED_ARGUMENTS}'?")
	endif()
	set(include ${CMAKE_CURRENT_SOURCE_DIR})
	if(EXISTS ${CMAKE_SOURCE_DIR}/include/${name})
		set(include ${CMAKE_SOURCE_DIR}/include/${name})
	endif()
	add_library(${name} STATIC ${R_SOURCES})
	target_include_directories(${name} PUBLIC ${include} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
	target_link_libraries(${name} PRIVATE ${R_USES} ${R_LIBS} our_flags)
	if(NOT BUILD_TESTING)
		set(R_TESTS)
	endif()
	foreach(test ${R_TESTS})
		get_filename_component(stem ${test} NAME_WE)
		room_program(${stem} SOURCES ${test} USES ${name} ${R_USES} LIBS ${R_LIBS})
		add_test(NAME ${name}/${stem} COMMAND ${stem} WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
		set_tests_properties(${name}/${stem} PROPERTIES TIMEOUT 120)
	endforeach()
	if(WEIRLOCK_FUZZ)
		foreach(fuzz ${R_FUZZ})
			get_filename_component(stem ${fuzz} NAME_WE)
			room_program(${stem} SOURCES ${fuzz} USES ${name} ${R_USES} LIBS ${R_LIBS})
			target_link_options(${stem} PRIVATE -fsanitize=fuzzer)
		endforeach()
	endif()
endfunction()

# room_program(NAME SOURCES … USES ROOM … [LIBS …]): an executable that sees the headers of the rooms it uses.
function(room_program name)
	cmake_parse_arguments(P "" "" "SOURCES;USES;LIBS" ${ARGN})
	add_executable(${name} ${P_SOURCES})
	target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
	target_link_libraries(${name} PRIVATE ${P_USES} ${P_LIBS} our_flags)
endfunction()

# rooms(FOLDER NAME …): the rooms of a plane, in flow order.
function(rooms folder)
	foreach(name ${ARGN})
		add_subdirectory(${folder}/${name})
	endforeach()
endfunction()
