/** What takes the place of the rows that are not rendered. */
export const Space = ({ height }: { readonly height: number }) =>
  height > 0 ? (
    <tr class="space">
      <td style={{ height: `${height}px` }} />
    </tr>
  ) : null
