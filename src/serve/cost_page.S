// The page of GET /cost as it is on disk, compiled into the program.
        .section .rodata
        .global halcyon_cost_page_begin
        .global halcyon_cost_page_end
halcyon_cost_page_begin:
        .incbin HALCYON_COST_PAGE
halcyon_cost_page_end:
        .section .note.GNU-stack, "", @progbits
