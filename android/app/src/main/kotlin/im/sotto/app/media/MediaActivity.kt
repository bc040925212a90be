package im.sotto.app.media

import android.os.Bundle
import android.view.LayoutInflater
import android.view.View
import android.view.ViewGroup
import android.widget.AbsListView
import android.widget.BaseAdapter
import android.widget.GridView
import android.widget.ImageView
import android.widget.TextView
import im.sotto.FileKind
import im.sotto.FileState
import im.sotto.Listing
import im.sotto.MessageFile
import im.sotto.Sotto
import im.sotto.app.R
import im.sotto.app.Screen
import im.sotto.app.conversationId
import im.sotto.app.show
import im.sotto.app.showText
import im.sotto.app.toConversation
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.collectLatest

/** Pictures, voice notes and other files of a conversation, newest first. */
class MediaActivity : Screen(R.layout.media, R.string.media_title) {
    private val kind = MutableStateFlow(FileKind.IMAGE)
    private val grid: GridView get() = findViewById(R.id.list)
    private val tiles = Tiles()
    private var listing: Listing<MessageFile>? = null
    private val player = Player(scope) { tiles.notifyDataSetChanged() }

    override fun build(state: Bundle?) {
        state?.getString(KIND)?.let { kind.value = FileKind.valueOf(it) }
        for ((id, tab) in TABS) onTap(id) { kind.value = tab }
        grid.adapter = tiles
        grid.setOnItemClickListener { _, _, at, _ -> tapped(tiles.files[at]) }
        grid.setOnItemLongClickListener { _, _, at, _ -> offer(tiles.files[at]).let { true } }
        grid.setOnScrollListener(
            object : AbsListView.OnScrollListener {
                override fun onScroll(view: AbsListView, first: Int, visible: Int, total: Int) {
                    if (total > 0 && first + visible >= total - NEAR) listing?.loadMore()
                }

                override fun onScrollStateChanged(view: AbsListView, state: Int) = Unit
            },
        )
    }

    override fun onSaveInstanceState(state: Bundle) {
        super.onSaveInstanceState(state)
        state.putString(KIND, kind.value.name)
    }

    override suspend fun follow(sotto: Sotto) = kind.collectLatest { now ->
        for ((id, tab) in TABS) findViewById<View>(id).isSelected = tab == now
        grid.numColumns = if (now == FileKind.IMAGE) COLUMNS else 1
        val files = sotto.files.list(conversationId, now, PAGE)
        listing = files
        files.items.collect { found ->
            tiles.show(found)
            findViewById<TextView>(R.id.nothing).show(found.isEmpty())
        }
    }

    override fun onPause() {
        player.stop()
        super.onPause()
    }

    private fun tapped(file: MessageFile) {
        when {
            !FileViews.isHere(file) -> act { it.files.fetch(file.id) }
            file.kind == FileKind.IMAGE -> startActivity(PictureActivity.of(this, file))
            file.kind == FileKind.VOICE -> act { player.toggle(it, file) }
            else -> open(file)
        }
    }

    private fun offer(file: MessageFile) = choose(
        null,
        listOf(R.string.media_in_chat to { toConversation(conversationId, file.message) }),
    )

    private inner class Tiles : BaseAdapter() {
        var files = emptyList<MessageFile>()
            private set

        fun show(now: List<MessageFile>) {
            files = now
            notifyDataSetChanged()
        }

        override fun getCount() = files.size

        override fun getItem(position: Int) = files[position]

        override fun getItemId(position: Int) = files[position].id.value.hashCode().toLong()

        override fun getViewTypeCount() = 2

        override fun getItemViewType(position: Int) = if (files[position].kind == FileKind.IMAGE) 0 else 1

        override fun getView(position: Int, old: View?, parent: ViewGroup): View {
            val file = files[position]
            val isPicture = file.kind == FileKind.IMAGE
            val layout = if (isPicture) R.layout.media_tile else R.layout.media_row
            val view = old ?: LayoutInflater.from(parent.context).inflate(layout, parent, false)
            if (isPicture) tile(view, file) else row(view, file)
            return view
        }

        private fun tile(view: View, file: MessageFile) {
            val side = grid.width / COLUMNS
            view.layoutParams = AbsListView.LayoutParams(AbsListView.LayoutParams.MATCH_PARENT, side)
            val image = view.findViewById<ImageView>(R.id.image)
            FileViews.showPicture(image, file, side) { act(it) }
            view.contentDescription = getString(R.string.media_picture)
            view.findViewById<View>(R.id.play).show(!FileViews.isHere(file))
        }

        private fun row(view: View, file: MessageFile) {
            val isVoice = file.kind == FileKind.VOICE
            view.findViewById<ImageView>(R.id.play).setImageResource(
                when {
                    file.state == FileState.GONE || file.state == FileState.CORRUPT -> R.drawable.media_gone
                    !FileViews.isHere(file) -> R.drawable.media_fetch
                    !isVoice -> R.drawable.media_file
                    player.file == file.id && player.isPlaying -> R.drawable.media_pause
                    else -> R.drawable.media_play
                },
            )
            view.findViewById<TextView>(R.id.name).text =
                if (isVoice) android.text.format.DateUtils.formatElapsedTime(file.durationMs / SECOND_MS)
                else FileViews.nameOf(this@MediaActivity, file)
            view.findViewById<TextView>(R.id.line).showText(FileViews.lineOf(this@MediaActivity, file))
        }
    }

    private companion object {
        const val KIND = "kind"
        const val PAGE = 60
        const val NEAR = 9
        const val COLUMNS = 3
        const val SECOND_MS = 1_000L
        val TABS = mapOf(R.id.pictures to FileKind.IMAGE, R.id.files to FileKind.FILE, R.id.voices to FileKind.VOICE)
    }
}
