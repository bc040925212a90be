package im.sotto.app

import android.view.LayoutInflater
import android.view.View
import android.widget.ImageView
import android.widget.LinearLayout
import android.widget.Switch
import android.widget.TextView

/** Rows of settings or actions, one below the other. */
class Form(private val box: LinearLayout) {
    private val inflater = LayoutInflater.from(box.context)

    fun clear() = box.removeAllViews()

    fun section(title: Int) = text(R.layout.form_section, box.context.getString(title))

    fun text(text: String) = text(R.layout.form_text, text)

    private fun text(layout: Int, text: String): TextView = add<TextView>(layout).also { it.text = text }

    /** A row that leads somewhere or does something. [danger] rows are red. */
    fun row(
        icon: Int,
        title: String,
        summary: String? = null,
        value: String? = null,
        danger: Boolean = false,
        action: (() -> Unit)? = null,
    ): View {
        val view = add<View>(R.layout.form_row)
        val image = view.findViewById<ImageView>(R.id.icon)
        val label = view.findViewById<TextView>(R.id.title)
        if (icon == 0) image.visibility = View.GONE else image.setImageResource(icon)
        label.text = title
        view.findViewById<TextView>(R.id.summary).showText(summary)
        view.findViewById<TextView>(R.id.value).showText(value)
        if (danger) {
            val red = box.context.getColor(R.color.danger)
            label.setTextColor(red)
            image.setColorFilter(red)
        }
        if (action == null) view.background = null else view.setOnClickListener { action() }
        return view
    }

    fun row(icon: Int, title: Int, summary: String? = null, value: String? = null, action: () -> Unit): View =
        row(icon, box.context.getString(title), summary, value, action = action)

    /** A switch. [change] is told the new position. */
    fun toggle(icon: Int, title: Int, summary: Int, on: Boolean, change: (Boolean) -> Unit): View {
        val view = row(icon, box.context.getString(title), box.context.getString(summary)) {}
        val toggle = view.findViewById<Switch>(R.id.toggle)
        toggle.visibility = View.VISIBLE
        toggle.isChecked = on
        view.setOnClickListener {
            toggle.toggle()
            change(toggle.isChecked)
        }
        return view
    }

    fun <T : View> add(layout: Int): T {
        @Suppress("UNCHECKED_CAST")
        val view = inflater.inflate(layout, box, false) as T
        box.addView(view)
        return view
    }
}

/** Shows a text, or hides the view if there is none. */
fun TextView.showText(text: CharSequence?) {
    this.text = text
    visibility = if (text.isNullOrEmpty()) View.GONE else View.VISIBLE
}

fun View.show(on: Boolean) {
    visibility = if (on) View.VISIBLE else View.GONE
}
